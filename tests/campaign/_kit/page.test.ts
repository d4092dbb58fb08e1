import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { runInGroup } from './process-group.ts';
import { newRun, type RunIdentity, type Written } from './run-identity.ts';
import { pageOf } from '../page-text.ts';

const names = ['one', 'two'];
const run: RunIdentity = { ...newRun(7, 'long'), version: '9.8.7', node: '1.2.3', platform: 'plan9 mips', cores: 64 };

function report(name: string, more: Partial<Written> = {}): Written {
  const figures = [{ name: 'a program without __proto__', goal: '= 2', measured: '2', holds: true }];
  return { name, about: `about ${name}`, size: 'long', seed: 7, seconds: 60, expected: [], figures, run, ...more };
}

describe('the page of the campaign', () => {
  test('says what the run says of itself, and not what whoever writes it runs on', () => {
    const page = pageOf([report('two'), report('one')], names);
    expect(page).toContain('2 minutes on 64 cores');
    expect(page).toContain('9.8.7, Node 1.2.3, plan9 mips, seed 7');
    expect(page.indexOf('## one')).toBeLessThan(page.indexOf('## two'));
    expect(page).not.toContain('Not measured');
  });

  test('names the jobs that the run left out', () => {
    expect(pageOf([report('two')], names)).toContain('Not measured in that run: one.');
  });

  test.each([
    ['of a later run', { run: { ...run, startedAt: '2031-01-01T00:00:00.000Z' } }],
    ['of a job that was run by itself', { run: undefined as never }],
  ])('is not written where one of the reports is %s', (_, more) => {
    expect(() => pageOf([report('one'), report('two', more)], names)).toThrow(/not of one run: one in .*; two /);
  });

  test('is not written of a quick run, or of none', () => {
    expect(() => pageOf([report('one', { run: { ...run, size: 'quick' } })], names)).toThrow('was quick');
    expect(() => pageOf([], names)).toThrow('there are none');
  });

  test('keeps names with underscores as they are, and prints remarks under the figures', () => {
    const page = pageOf([report('one', { remarks: ['It is so.'] }), report('two')], names);
    expect(page).toContain('| a program without `__proto__` | 2 | = 2 | holds |\n\nIt is so.\n');
  });
});

test('a job that takes too long is ended with all the processes that it has started', { timeout: 20_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inferlane-group-'));
  try {
    const [program, told] = [join(folder, 'starts.mjs'), join(folder, 'pid')];
    await writeFile(
      program,
      `import { spawn } from 'node:child_process'; import { writeFileSync } from 'node:fs';
      const child = spawn('sleep', ['60'], { stdio: 'ignore' }); writeFileSync(${JSON.stringify(told)}, String(child.pid));`,
    );
    expect(await runInGroup(process.execPath, [program], 3_000)).toBeNull();
    const pid = Number(await readFile(told, 'utf8'));
    expect(pid).toBeGreaterThan(1);
    expect(await isGone(pid)).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** A process that nobody has collected yet is gone as well. */
async function isGone(pid: number): Promise<boolean> {
  for (let round = 0; round < 100; round++) {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (status === undefined || status.includes(') Z ')) return true;
    await sleep(20);
  }
  return false;
}
