import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fakeBackend, type ListeningBackend, models, testClock } from '../../src/testing/index.ts';
import { describeHandler } from './example-checks.ts';
import { buildInto, describeInstalled, runScript } from './example-packages.ts';
import { callerToken, examples, type RunningExample, startExample } from './example-process.ts';

const home = join(examples, 'next');

await describeInstalled('next', () => {
  const clock = testClock();
  let backend: ListeningBackend;
  let example: RunningExample;
  let printed = '';
  let tsconfig = '';
  beforeAll(async () => {
    tsconfig = readFileSync(join(home, 'tsconfig.json'), 'utf8');
    await buildInto('next', { types: true });
    // Nothing of an earlier build, or of an earlier inferlane.
    rmSync(join(home, '.next'), { recursive: true, force: true });
    printed = await runScript('next', 'build', { NEXT_TELEMETRY_DISABLED: '1' });
    backend = await fakeBackend('ollama', models(['tiny', 'llama3.1:8b']), { clock }).listen();
    example = await startExample({
      folder: 'next',
      args: ['node_modules/next/dist/bin/next', 'start', '--hostname', '127.0.0.1', '--port', '0'],
      env: { OLLAMA_BASE_URL: backend.url, INFERLANE_TOKENS: callerToken, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' },
      port: /http:\/\/127\.0\.0\.1:(\d+)/,
    });
  }, 240_000);
  afterAll(async () => {
    await example?.[Symbol.asyncDispose]();
    await backend?.close();
    // It speaks of the browser's types, which the rest of this repository does not know.
    rmSync(join(home, 'next-env.d.ts'), { force: true });
  });

  describeHandler('at /api/llm', () => ({ backend, clock, url: `${example.url}/api/llm` }), { folder: 'next' });

  test('is one dynamic route, and its build asked for no server and changed no file of its own', () => {
    expect(printed).toContain('ƒ /api/llm/[...path]');
    expect(printed).not.toContain('workspace root');
    expect(readFileSync(join(home, 'tsconfig.json'), 'utf8')).toBe(tsconfig);
  });
});
