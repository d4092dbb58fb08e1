import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { after, reply, slow, stallAfter } from '../../src/testing/index.ts';
import { adminToken, chat, folderOf, ollama, ollamaThere, serveThere, wordsOf } from './serve-kit.ts';

// `inferlane serve` in a process of its own: signals, and backends that die.

const usual = { timeout: 40_000 };
const ten = 'one two three four five six seven eight nine ten';

/** A stream whose first words are there, and the rest of it. */
async function begun(url: string): Promise<{ readonly rest: ReturnType<typeof wordsOf> }> {
  const response = await chat(url, { stream: true });
  expect(response.status).toBe(200);
  return { rest: wordsOf(response) };
}

describe('a signal', usual, () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('lets a stream come to its end, and nobody new in: %s', async (signal) => {
    const { url, child, err, ended } = await serveThere(folderOf(await ollama(slow(8, reply(ten)), reply('No.'))));
    const { rest } = await begun(url);
    child.kill(signal);
    await expect.poll(err).toContain('1 answer may go on for 10 s');
    await expect(chat(url)).rejects.toThrow('fetch failed');
    expect(await rest).toEqual({ words: ten, isDone: true, error: undefined });
    expect(await ended()).toBe(0);
  });

  test('lets a whole answer come to its end, and tells its connection to close', async () => {
    const { url, child, ended } = await serveThere(folderOf(await ollama(after(1_500, reply('Yes.')))));
    const answer = chat(url);
    await sleep(500);
    child.kill('SIGTERM');
    const response = await answer;
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
    expect(await ended()).toBe(0);
  });

  test('ends at once where there is nothing to wait for, silent connections included', async () => {
    const { url, child, ended } = await serveThere(folderOf(await ollama(reply('Yes.'))), ['--drain', '60']);
    await (await chat(url)).text();
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
  });

  test('cuts what has not ended within --drain, tells the caller, and ends with 143', async () => {
    const gpu = await ollama(stallAfter(2, reply(ten)));
    const { url, child, err, ended } = await serveThere(folderOf(gpu), ['--drain', '1']);
    const { rest } = await begun(url);
    child.kill('SIGTERM');
    expect(await rest).toEqual({ words: 'one two ', isDone: false, error: 'closed' });
    expect(await ended()).toBe(143);
    await expect.poll(() => gpu.aborted).toBe(1);
    expect(err()).toContain('"route":"/v1/chat/completions"');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('given twice ends at once: %s with %i', async (signal, code) => {
    const gpu = await ollama(stallAfter(2, reply(ten)));
    const { url, child, err, ended } = await serveThere(folderOf(gpu), ['--drain', '60']);
    const rest = (await begun(url)).rest.catch((error: unknown) => error);
    child.kill(signal);
    await expect.poll(err).toContain('may go on for 60 s');
    child.kill(signal);
    expect(await ended()).toBe(code);
    expect(await rest).toBeInstanceOf(Error);
    await expect.poll(() => gpu.aborted).toBe(1);
  });

  test('does not wait for an admin page that somebody has left open', async () => {
    const env = { INFERLANE_ADMIN_TOKEN: adminToken };
    const { url, child, ended } = await serveThere(folderOf(await ollama()), ['--drain', '60'], env);
    const events = await fetch(`${url}/admin/api/events`, { headers: { authorization: `Bearer ${adminToken}` } });
    expect(events.status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
    await expect(events.text()).rejects.toThrow('terminated');
  });
});

describe('a backend that is killed', usual, () => {
  test('before its answer: the next one answers, and the log says so', async () => {
    const gpu = await ollamaThere('stallBeforeHeaders()');
    const { url, err } = await serveThere(folderOf(gpu, await ollama(reply('Yes.'))));
    const answer = chat(url);
    await sleep(700);
    gpu.kill();
    expect(await (await answer).json()).toMatchObject({ choices: [{ message: { content: 'Yes.' } }] });
    await expect.poll(err).toMatch(/"status":200,.*"provider":"cpu","attempts":2,"cut":false/);
  });

  test('in the middle of a stream: the caller is told, and the server goes on', async () => {
    const gpu = await ollamaThere(`stallAfter(2, reply('${ten}'))`);
    const { url } = await serveThere(folderOf(gpu, await ollama(reply('Yes.'))));
    const { rest } = await begun(url);
    gpu.kill();
    const { words, isDone, error } = await rest;
    expect({ words, isDone }).toEqual({ words: 'one two ', isDone: false });
    expect(error).toBeDefined();
    expect(await (await chat(url)).json()).toMatchObject({ choices: [{ message: { content: 'Yes.' } }] });
  });
});

test('a log that nobody reads any longer ends no server', usual, async () => {
  const { url, child, ended } = await serveThere(folderOf(await ollama(reply('One.'), reply('Two.'))));
  child.stderr?.destroy();
  for (const word of ['One.', 'Two.']) expect(await (await chat(url)).json()).toMatchObject({ choices: [{ message: { content: word } }] });
  child.kill('SIGTERM');
  expect(await ended()).toBe(0);
});
