import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drawTrace, runOutOfMemory } from '../../scripts/write-trace-picture.ts';
import { withFiles } from '../../scripts/write-reference.ts';
import { examples } from './example-process.ts';

const guide = readFileSync(new URL('../../docs/guides/telemetry.md', import.meta.url), 'utf8');

test('the example prints the tree that the guide shows', { timeout: 60_000 }, () => {
  const hook = join(import.meta.dirname, 'resolve-source.ts');
  const output = execFileSync(process.execPath, ['--import', hook, 'telemetry/trace.ts'], { cwd: examples, encoding: 'utf8' });
  expect(guide).toContain(`\`\`\`\n${output}\`\`\`\n`);
});

test('the guide holds the example as it is', () => {
  expect(withFiles(guide)).toBe(guide);
  expect(guide).toContain('```ts examples/telemetry/trace.ts\n');
});

test('the picture shows each span of the run, the failover and the first content', { timeout: 30_000 }, async () => {
  const picture = drawTrace(await runOutOfMemory());
  for (const words of [
    'chat llama3.1',
    'attempt gpu',
    'attempt cpu',
    'out_of_memory',
    'answered by cpu',
    'inferlane.failover',
    'first content',
  ]) {
    expect(picture).toContain(words);
  }
  expect(picture).not.toMatch(/NaN|undefined|-\d+\.\d+" height/);
  const shown = readFileSync(new URL('../../docs/images/trace.svg', import.meta.url), 'utf8');
  expect(wordsOf(shown)).toEqual(wordsOf(picture));
});

/** The texts of a picture without the times, which differ from run to run. */
function wordsOf(picture: string): readonly string[] {
  return Array.from(picture.matchAll(/>([^<>]+)<\/text>/g), ([, words = '']) => words).filter((words) => !/^\d+ ms$/.test(words));
}
