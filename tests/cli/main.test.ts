import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { models, reply, stallAfter } from '../../src/testing/index.ts';
import { emptyFolder, folderWith, server } from './cli-kit.ts';
import { program, start } from './cli-process.ts';

// The command in a process of its own: what no test inside of this one can show.

const well = models(['llama3.1:8b']);

function folderFor(url: string): string {
  return folderWith({ providers: { gpu: { type: 'ollama', url, defaultModel: 'llama3.1:8b' } } });
}

describe('the process', () => {
  test('reads the standard input, prints the answer without colours, and ends by itself', async () => {
    const gpu = await server('ollama', [well, reply('Yes.')]);
    const running = start(['chat'], folderFor(gpu.url));
    running.child.stdin?.end('Is it?');
    expect(await running.ended()).toBe(0);
    expect([running.out(), running.err()]).toEqual(['Yes.\n', '']);
    expect(gpu.calls[0]?.body).toMatchObject({ messages: [{ content: 'Is it?' }] });
  });

  test('has the exit code of its command, and its errors on the error output', async () => {
    const running = start(['check', '--config', 'nope.json'], emptyFolder());
    expect(await running.ended()).toBe(3);
    expect(running.out()).toBe('');
    expect(running.err()).toContain('nope.json');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('closes its connections at %s and ends with %i', async (signal, code) => {
    const gpu = await server('ollama', [well, stallAfter(2, reply('One two three.'))]);
    const running = start(['chat', 'Hi'], folderFor(gpu.url));
    await expect.poll(running.out, { timeout: 8_000 }).toMatch(/^One/);
    running.child.kill(signal);
    expect(await running.ended()).toBe(code);
    expect(running.err()).toBe('');
    await expect.poll(() => gpu.aborted).toBe(1);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends within a second at %s with %i where nobody takes its output, and closes its connections', async (signal, code) => {
    const gpu = await server('ollama', [well, stallAfter(900, reply(`${'word'.repeat(1_000)} `.repeat(1_000)))]);
    const running = start(['chat', 'Hi'], folderFor(gpu.url), 'unread');
    await once(running.child.stdout as NodeJS.ReadableStream, 'readable');
    // Until the pipe is full: it holds a tenth of this.
    await sleep(1_000);
    const startMs = performance.now();
    running.child.kill(signal);
    expect(await running.ended()).toBe(code);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    await expect.poll(() => gpu.aborted).toBe(1);
  });

  test.skipIf(!existsSync('/dev/full')).each([
    ['chat', ['chat', 'Hi']],
    ['check', ['check']],
    ['the help', ['--help']],
  ])('%s tells of a full disk once, with exit code 1', async (_command, argv) => {
    const gpu = await server('ollama', [well, reply('One two three.')]);
    const running = start(argv, folderFor(gpu.url), openSync('/dev/full', 'w'));
    expect(await running.ended()).toBe(1);
    expect(running.err()).toBe('error: The output could not be written: ENOSPC.\n');
  });

  test('ends at Ctrl-C while it waits for the standard input', async () => {
    const running = start(['chat'], folderFor('http://127.0.0.1:11434'));
    // More than a pipe holds, so somebody has begun to read.
    await new Promise((resolve) => running.child.stdin?.write('a'.repeat(4 * 1024 * 1024), resolve));
    running.child.kill('SIGINT');
    expect(await running.ended()).toBe(130);
  });

  test('says nothing when whoever reads has enough, and stops the answer', async () => {
    const long = await server('ollama', [well, reply('word '.repeat(50_000))]);
    const flooded = start(['chat', 'Hi'], folderFor(long.url));
    await once(flooded.child.stdout as NodeJS.ReadableStream, 'data');
    flooded.child.stdout?.destroy();
    expect(await flooded.ended()).toBe(0);
    expect(flooded.err()).toBe('');
  });
});

test('the package gives a command to whoever installs it, without a further dependency', () => {
  expect(manifest.bin).toEqual({ inferlane: './dist/cli.js' });
  expect(Object.keys(manifest.dependencies)).not.toContain('commander');
  expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});
