import { describe, expect, test } from 'vitest';
import { describeWithRedis } from '../_kit/redis-server.ts';
import { errorsIn } from '../_kit/compiled-modules.ts';
import { checkBlock, checkFor, isFor } from './check-block.ts';
import { rows } from './checks.ts';
import { blocksOf, type CodeBlock, placeOf } from './code-blocks.ts';
import { pages } from './pages.ts';
import { parseBlock } from './parsed-block.ts';
import { programOf, typedModule } from './program-block.ts';
import { scenes } from './scenes.ts';
import { entryPoints } from './entry-points.ts';

const blocks = pages.flatMap(blocksOf);
const tested = blocks.filter((block) => checkFor(block)?.as === 'tested');
const needsRedis = ({ code }: CodeBlock): boolean => code.includes('redis://127.0.0.1:6379');

describe('the table', () => {
  test('says of every block how it is checked; new ones have a row in tests/docs/checks.ts', () => {
    expect(blocks.length).toBeGreaterThan(80);
    expect(blocks.filter((block) => checkFor(block) === undefined).map(placeOf)).toEqual([]);
  });

  test.each(rows.map((row) => [row.page, 'holds' in row ? row.holds : row.language, row] as const))(
    'has blocks: %s, %s',
    (_page, _which, row) => {
      const found = blocks.filter((block) => isFor(row, block)).map(placeOf);
      if ('holds' in row) expect(found).toHaveLength(1);
      else expect(found.length).toBeGreaterThan(0);
    },
  );
});

describe('what a page lets its blocks take for granted', () => {
  const programs = blocks.filter((block) => checkFor(block)?.as === 'program').map(programOf);

  test.each(Object.entries(scenes))('%s needs it', (page, { imports = '', given: [, makers] = ['', {}] }) => {
    const own = programs.filter(({ block }) => block.page === page);
    const taken = new Set(
      own.flatMap(({ parsed, given }) => [
        ...given.map(({ name }) => name),
        ...[...parsed.names].filter((name) => !parsed.declared.has(name)),
      ]),
    );
    expect(own.length).toBeGreaterThan(0);
    expect([...parseBlock(imports).imports.map(({ name }) => name), ...Object.keys(makers)].filter((name) => !taken.has(name))).toEqual([]);
  });
});

/** Each has one mistake. */
const wrong = [
  "import { createRouter } from 'inferlane'; createRouter({ providers: { a: { type: 'ollama', devise: 'gpu' } } });",
  "import { textOff } from 'inferlane';",
  'const text: string = router;',
].map((code, index): CodeBlock => ({ page: 'wrong.md', line: index + 1, language: 'ts', name: '', code }));

test('programs compile', { timeout: 120_000 }, () => {
  const programs = blocks.filter((block) => checkFor(block)?.as === 'program');
  const modules = [...programs, ...wrong].map((block) => typedModule(programOf(block)));
  const errors = errorsIn(Object.fromEntries(modules), entryPoints);
  expect(programs.flatMap((block, index) => (errors[index] ?? []).map((error) => `${placeOf(block)} ${error}`))).toEqual([]);
  expect(errors.slice(programs.length).map(({ length }) => length)).toEqual([1, 1, 1]);
});

const placed = (list: readonly CodeBlock[]): (readonly [string, CodeBlock])[] => list.map((block) => [placeOf(block), block]);

test.each(placed(blocks.filter((block) => !needsRedis(block))))('%s', { timeout: 30_000 }, async (_place, block) => {
  const check = checkFor(block);
  if (check !== undefined) await checkBlock(block, check, tested);
});

describeWithRedis('blocks that speak of a Redis', (redis) => {
  test.each(placed(blocks.filter(needsRedis)))('%s', async (_place, block) => {
    const own = { ...block, code: block.code.replaceAll('redis://127.0.0.1:6379', redis().url) };
    await checkBlock(own, checkFor(block) ?? { as: 'program' }, tested);
  });
});
