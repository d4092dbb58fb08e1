import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeBackend, type ListeningBackend, models, reply, testClock } from '../../src/testing/index.ts';
import { chat, describeHandler, held, readingOf } from './example-checks.ts';
import { callerToken, type RunningExample, startServer } from './example-process.ts';

// The servers of one file, each as a process of its own in front of a fake Ollama.

interface Mounted {
  readonly folder: string;
  /** Where the handler is mounted. */
  readonly paths: readonly string[];
}

describe.each<Mounted>([
  { folder: 'node-http', paths: [''] },
  { folder: 'express', paths: ['', '/llm'] },
  { folder: 'fastify', paths: ['/llm'] },
  { folder: 'hono', paths: [''] },
])('the example $folder', ({ folder, paths }) => {
  const clock = testClock();
  let backend: ListeningBackend;
  let example: RunningExample;
  beforeAll(async () => {
    backend = await fakeBackend('ollama', models(['tiny', 'llama3.1:8b']), { clock }).listen();
    example = await startServer(folder, { OLLAMA_BASE_URL: backend.url, INFERLANE_TOKENS: callerToken });
  }, 60_000);
  afterAll(async () => {
    await example?.[Symbol.asyncDispose]();
    await backend?.close();
  });

  for (const path of paths)
    describeHandler(`at ${path === '' ? '/' : path}`, () => ({ backend, clock, url: `${example.url}${path}` }), { folder });

  test('answers its other routes itself', async () => {
    const response = await fetch(`${example.url}/hello`);
    expect([response.status, await response.text()]).toEqual([200, 'Hello!']);
  });

  test('has nothing but its own routes beside the path of the handler', async () => {
    const response = await fetch(`${example.url}/nowhere/v1/models`, { headers: { authorization: `Bearer ${callerToken}` } });
    expect(response.status).toBe(404);
  });
});

describe('the example node-http', () => {
  test('lets the answer under way come to its end when it is told to stop, and ends', { timeout: 20_000 }, async () => {
    const clock = testClock();
    await using backend = await fakeBackend('ollama', [models(['tiny']), held], { clock }).listen();
    await using example = await startServer('node-http', { OLLAMA_BASE_URL: backend.url, INFERLANE_TOKENS: callerToken });
    const reading = readingOf(await chat(example.url, { stream: true }));
    await reading.until('One ');
    const ended = example.end();
    for (let piece = 0; piece < 3; piece++) await clock.advance(1_000);
    expect(await reading.rest()).toContain('[DONE]');
    expect(await ended).toBe(0);
  });

  test('answers this machine alone where there are no tokens', async () => {
    await using backend = await fakeBackend('ollama', [models(['tiny']), reply('Yes.')]).listen();
    await using example = await startServer('node-http', { OLLAMA_BASE_URL: backend.url });
    expect((await chat(example.url, { token: '' })).status).toBe(200);
  });

  test('says which variables there are where it finds no model server', async () => {
    await expect(startServer('node-http', {})).rejects.toThrow('OLLAMA_BASE_URL');
  });
});
