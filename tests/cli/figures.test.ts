import { expect, test } from 'vitest';
import { figuresOf, spread } from '../../src/cli/bench-figures.ts';
import { benchText } from '../../src/cli/bench-text.ts';
import { bytes, counted, duration, listed } from '../../src/cli/figures.ts';
import { createPaint } from '../../src/cli/paint.ts';
import { createProgress } from '../../src/cli/progress.ts';
import { table } from '../../src/cli/table.ts';

const plain = (_style: string, text: string): string => text;

test('durations have two or three figures', () => {
  expect([0, 0.4, 12.4, 999, 1_234, 12_345, 90_000, 5_400_000].map(duration)).toEqual([
    '0 ms',
    '0.4 ms',
    '12 ms',
    '999 ms',
    '1.2 s',
    '12 s',
    '1.5 min',
    '1.5 h',
  ]);
});

test('numbers and lists read like sentences', () => {
  expect([counted(1, 'call'), counted(2, 'call'), bytes(2_019_393_189), bytes(25_000_000)]).toEqual(['1 call', '2 calls', '2 GB', '25 MB']);
  expect([listed([]), listed(['a']), listed(['a', 'b', 'c']), listed(['a', 'b'], 'or')]).toEqual(['', 'a', 'a, b and c', 'a or b']);
});

test('a percentile is one of the values, counted from the good end', () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(spread(values)).toEqual({ mean: 50.5, p50: 50, p95: 95, worst: 100 });
  expect(spread(values, 'smallest')).toEqual({ mean: 50.5, p50: 51, p95: 6, worst: 1 });
  expect(spread([7])).toEqual({ mean: 7, p50: 7, p95: 7, worst: 7 });
  expect(spread([])).toBeUndefined();
});

test('a bench counts tokens from the first one on, and failures apart', () => {
  const good = { totalMs: 1_100, firstMs: 100, tokens: 51, isCounted: true, provider: 'gpu', model: 'm' };
  const bad = { totalMs: 5, error: { code: 'overloaded', message: 'gpu: full' } };
  const figures = figuresOf({ first: good, samples: [good, bad, good, bad], wallMs: 2_000, concurrency: 2 });
  expect(figures).toMatchObject({
    requests: 4,
    succeeded: 2,
    failures: [{ code: 'overloaded', count: 2, message: 'gpu: full' }],
    answeredBy: [{ provider: 'gpu', model: 'm', count: 2 }],
    firstTokenMs: { p50: 100 },
    tokensPerSecond: { p50: 50 },
    tokensPerSecondTogether: 51,
    tokensAreCounted: true,
  });
});

test('a bench says so where the server does not count tokens', () => {
  const sample = { totalMs: 1_100, firstMs: 100, tokens: 51, isCounted: false, provider: 'gpu' };
  const text = benchText(figuresOf({ first: sample, samples: [sample], wallMs: 1_100, concurrency: 1 }), plain);
  expect(text).toContain('by the pieces that came: the server does not count them');
});

test('a table has columns as wide as their widest cell, none that are empty, and no control characters', () => {
  const rows = [
    ['a', '', { text: 'gr\u001b[31meen', style: 'green' as const }],
    ['longer', '', 'x'],
  ];
  expect(table(['ONE', 'TWO', 'THREE'], rows, plain)).toBe('ONE     THREE\na       green\nlonger  x\n');
});

test('there are colours on a terminal that can show them, where nobody objects', () => {
  const terminal = { isTerminal: true, columns: 80, write: async () => {} };
  expect(createPaint(terminal, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m');
  expect(createPaint(terminal, { NO_COLOR: '' })('red', 'x')).not.toBe('x');
  expect(createPaint(terminal, { NO_COLOR: '1' })('red', 'x')).toBe('x');
  expect(createPaint(terminal, { TERM: 'dumb' })('red', 'x')).toBe('x');
  expect(createPaint({ ...terminal, isTerminal: false }, {})('red', 'x')).toBe('x');
});

test('a bar of progress is shown on a terminal only, on one line, and taken away', () => {
  const written: string[] = [];
  const out = { columns: 30, write: async (text: string) => void written.push(text) };
  const silent = createProgress({ ...out, isTerminal: false }, 4);
  silent.show(1, '');
  silent.clear();
  expect(written).toEqual([]);
  const progress = createProgress({ ...out, isTerminal: true }, 4);
  progress.show(1, '0 failed');
  progress.clear();
  expect(written).toEqual([`\r\u001b[K██████${'░'.repeat(18)} 1/4 `, '\r\u001b[K']);
});
