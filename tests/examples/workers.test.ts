import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { handlerDefaults } from '../../src/http/index.ts';
import { fakeBackend, type ListeningBackend, models, reply, slow, stallBeforeHeaders, testClock } from '../../src/testing/index.ts';
import { askAndLeave, chat, describeHandler, held, readingOf, statusFor } from './example-checks.ts';
import { buildInto, describeInstalled, runScript } from './example-packages.ts';
import { callerToken, examples, type RunningExample, startExample } from './example-process.ts';

const gpuKey = 'gpu-key-4fT7wQz1';

await describeInstalled('workers', () => {
  const clock = testClock();
  let backend: ListeningBackend;
  let example: RunningExample;
  beforeAll(async () => {
    await buildInto('workers', { types: false });
    await runScript('workers', 'build');
    backend = await fakeBackend('vllm', models(['tiny', 'llama3.1:8b']), { clock }).listen();
    example = await startExample({
      folder: 'workers',
      // The command in its place is a program of Node around this one.
      program: (createRequire(join(examples, 'workers/package.json'))('workerd') as { readonly default: string }).default,
      args: ['serve', 'workerd.capnp', '--socket-addr=http=127.0.0.1:0', '--control-fd=1'],
      env: { GPU_URL: backend.url, GPU_API_KEY: gpuKey, INFERLANE_TOKENS: callerToken, INFERLANE_HOSTS: 'llm.example.com' },
      port: /"socket":"http","port":(\d+)/,
    });
  }, 120_000);
  afterAll(async () => {
    await example?.[Symbol.asyncDispose]();
    await backend?.close();
  });

  describeHandler('at /', () => ({ backend, clock, url: example.url }), { folder: 'workers', leaves: 'reset' });

  test('lets the backend go with the next piece where the client closed its half of the connection', async () => {
    backend.play(slow(1, reply('word '.repeat(60))));
    const { aborted } = backend;
    const leaving = askAndLeave(example.url);
    await leaving.firstPiece;
    leaving.leave('close');
    const goOn = async (): Promise<number> => {
      await clock.advance(1_000);
      return backend.aborted;
    };
    await expect.poll(goOn, { timeout: 5_000 }).toBe(aborted + 1);
  });

  test('answers to the name that the environment gives', async () => {
    expect(await statusFor('llm.example.com', example.url)).toBe(200);
  });

  test('takes the key of the backend from the environment, and holds none itself', async () => {
    backend.play(reply('Yes.'));
    expect((await chat(example.url)).status).toBe(200);
    expect(backend.calls.at(-1)?.headers['authorization']).toBe(`Bearer ${gpuKey}`);
    expect(readFileSync(join(examples, 'workers/dist/worker.js'), 'utf8')).not.toContain(gpuKey);
  });

  test('keeps requests that are under way at once apart', async () => {
    backend.play([held, reply('Short.')]);
    const reading = readingOf(await chat(example.url, { stream: true }));
    await reading.until('One ');
    const others = await Promise.all(Array.from({ length: 8 }, () => chat(example.url)));
    for (const other of others) expect(await other.json()).toMatchObject({ choices: [{ message: { content: 'Short.' } }] });
    for (let piece = 0; piece < 3; piece++) await clock.advance(1_000);
    expect(await reading.rest()).toContain('[DONE]');
  });

  test.each([
    ['before their first piece', stallBeforeHeaders()],
    ['in the middle', held],
  ])('counts no call any more that was left %s', async (_when, script) => {
    backend.play(script);
    const asked = backend.calls.length;
    // More than one caller may have at once.
    const leaving = Array.from({ length: handlerDefaults.maxConcurrentPerCaller }, () => askAndLeave(example.url));
    if (script === held) await Promise.all(leaving.map(({ firstPiece }) => firstPiece));
    await expect.poll(() => backend.calls.length, { timeout: 5_000, interval: 5 }).toBe(asked + leaving.length);
    expect((await chat(example.url)).status).toBe(429);
    for (const each of leaving) each.leave('reset');
    backend.play(reply('Free.'));
    await expect.poll(async () => (await chat(example.url)).status, { timeout: 5_000, interval: 20 }).toBe(200);
  });
});
