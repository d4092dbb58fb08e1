import { describe, expect, test } from 'vitest';
import { createPaint } from '../../src/cli/paint.ts';
import { createServeLog, type LogFormat, type ServeLog } from '../../src/cli/serve-log.ts';
import { testClock } from '../../src/testing/index.ts';
import type { Cli } from '../../src/cli/cli.ts';
import { adminToken, chat, folderOf, ollama, serveHere, token } from './serve-kit.ts';
import { reply } from '../../src/testing/index.ts';

const env = { INFERLANE_TOKENS: token, INFERLANE_ADMIN_TOKEN: adminToken, NO_COLOR: '1' };

interface Logged extends ServeLog {
  text(): string;
}

/** A log at one second past 1970. */
function log(format: LogFormat): Logged {
  let text = '';
  const stderr = { isTerminal: false, columns: undefined, write: async (piece: string) => void (text += piece) };
  const cli = {
    io: { stderr, clock: { ...testClock(), wallMs: () => 1_000 } },
    paintError: createPaint(stderr, {}),
    note: stderr.write,
    warn: stderr.write,
  };
  return { ...createServeLog(cli as unknown as Cli, format), text: () => text };
}

const entry = {
  requestId: 'abc',
  method: 'POST',
  route: '/v1/chat/completions',
  status: 200,
  ms: 1_234.567,
  caller: 'token 1',
  provider: 'gpu',
  attempts: 2,
  cut: false,
};

describe('the access log', () => {
  test('has one line for each request, as JSON where nobody looks, without what was asked and answered', async () => {
    const { url, stop } = await serveHere({ env, folder: folderOf(await ollama(reply('My answer.'))) });
    await (await chat(url, { token, text: 'My secret question.', query: '?key=my-query' })).text();
    await (await fetch(`${url}/my-path`)).text();
    const { err } = await stop();
    const lines = err
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const any = expect.any(Number);
    expect(lines).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        level: 'info',
        requestId: expect.any(String),
        method: 'POST',
        route: '/v1/chat/completions',
        status: 200,
        ms: any,
        caller: 'token 1',
        provider: 'gpu',
        attempts: 1,
        cut: false,
      },
      { time: expect.any(String), level: 'info', requestId: expect.any(String), method: 'GET', status: 404, ms: any, cut: false },
    ]);
    for (const part of ['secret', 'answer', 'my-query', 'my-path', token]) expect(err).not.toContain(part);
  });

  test('is text on a terminal', async () => {
    const { url, stop } = await serveHere({ env, isTerminal: true });
    await (await chat(url, { token })).text();
    const line = /^\d{4}-\S+Z POST \/v1\/chat\/completions 200 in [\d.]+ m?s, by gpu, for token 1 \[[\w-]{36}\]$/m;
    expect((await stop()).err).toMatch(line);
  });

  test('is silent where it is told to be', async () => {
    const { url, stop } = await serveHere({ env }, ['--log', 'none']);
    await (await chat(url, { token })).text();
    expect((await stop()).err).toBe('');
  });

  test('tells of attempts, of callers that left, and of paths that there are not', () => {
    const { onAccess, text } = log('text');
    onAccess({ ...entry, cut: true });
    onAccess({ ...entry, route: undefined, status: 404, caller: undefined, provider: undefined, attempts: undefined });
    expect(text()).toBe(
      '1970-01-01T00:00:01.000Z POST /v1/chat/completions 200 in 1.2 s, by gpu, after 2 attempts, for token 1, cut off [abc]\n' +
        '1970-01-01T00:00:01.000Z POST (no such path) 404 in 1.2 s [abc]\n',
    );
  });

  test.each(['text', 'json'] as const)('holds no sign that a terminal obeys, as %s', (format) => {
    const { onAccess, onChange, text } = log(format);
    onAccess({ ...entry, caller: 'a\u001b[2Jb\nc\u202ed\u0085' });
    onChange({ atMs: 0, action: 'update', keys: ['a\u001b[2Jb\n'], ok: true });
    expect(text().trimEnd().split('\n')).toHaveLength(2);
    expect(text().replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  test('tells of changes of the admin page by their keys', async () => {
    const { url, stop } = await serveHere({ env, isTerminal: true });
    const asked = await fetch(`${url}/admin/api/settings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', 'x-inferlane-admin': '1' },
      body: JSON.stringify({ providers: { gpu: { weight: 7 } } }),
    });
    expect([asked.status, await asked.text()]).toEqual([200, expect.any(String)]);
    expect((await stop()).err).toMatch(/^\d{4}-\S+Z admin page: update \(providers\.gpu\.weight\)$/m);
  });

  test('has notes as lines of its own where it is JSON', async () => {
    const { cli, text } = log('json');
    await cli.warn('odd');
    await cli.note('worth knowing');
    expect(
      text()
        .split('\n')
        .slice(0, 2)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { time: '1970-01-01T00:00:01.000Z', level: 'warning', message: 'odd' },
      { time: '1970-01-01T00:00:01.000Z', level: 'info', message: 'worth knowing' },
    ]);
  });
});
