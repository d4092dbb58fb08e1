import { describe, expect, test } from 'vitest';
import { createHttpClient, bodyLimits, type HttpOptions } from '../../src/lib/http.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Transport, TransportRequest, TransportResponse } from '../../src/lib/transport.ts';
import { byteStream, type Piece } from '../_kit/byte-stream.ts';
import { failureOf, outcomeOf } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

const { signal } = new AbortController();

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pieces?: Iterable<Piece> | null;
  readonly failure?: unknown;
}

/** A transport that gives one answer after the other; an error is thrown. The last one is repeated. */
const clientOver = (...answers: (Answer | Error)[]): ReturnType<typeof clientWith> => clientWith(new Secret('sk-0123456789'), ...answers);

function clientWith(apiKey: HttpOptions['apiKey'], ...answers: (Answer | Error)[]) {
  const sent: TransportRequest[] = [];
  const bodies: ReturnType<typeof byteStream>[] = [];
  const replaced: string[] = [];
  const transport: Transport = {
    async send(request): Promise<TransportResponse> {
      sent.push(request);
      const answer = answers[Math.min(sent.length, answers.length) - 1];
      if (answer === undefined || answer instanceof Error) throw answer;
      const { status = 200, headers = {}, pieces = [], failure } = answer;
      const body = pieces === null ? null : byteStream(pieces, failure);
      if (body !== null) bodies.push(body);
      return { status, header: (name) => headers[name] ?? null, body, text: () => new Response(body).text() };
    },
  };
  const options: HttpOptions = {
    provider: 'box',
    url: 'http://box:8000/base',
    headers: {},
    keyHeader: 'authorization',
    apiKey,
    transport,
    clock: testClock(),
    connectMs: 3_000,
    onReplaced: (requestId) => replaced.push(requestId),
  };
  return { http: createHttpClient(options), sent, bodies, replaced };
}

const stale = (bytesRead: number, message = 'other side closed'): Error =>
  Object.assign(new TypeError('fetch failed'), {
    cause: Object.assign(new Error(message), { code: 'UND_ERR_SOCKET', socket: { bytesRead } }),
  });
const reset = (): Error =>
  Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('read'), { code: 'ECONNRESET', syscall: 'read' }) });
const good: Answer = { pieces: ['{"ok":true}'] };

describe('an answer', () => {
  test('is the parsed JSON; path, body and key arrive', async () => {
    const { http, sent } = clientOver(good);
    expect(await http.postJson('/v1/x', { a: 1 }, { signal })).toEqual({ ok: true });
    expect(sent).toMatchObject([
      { method: 'POST', url: 'http://box:8000/base/v1/x', body: '{"a":1}', headers: { authorization: 'Bearer sk-0123456789' } },
    ]);
  });

  test('of a GET is asked for without a body', async () => {
    const { http, sent } = clientOver(good);
    await http.getJson('/v1/models', signal);
    expect(sent[0]).not.toHaveProperty('body');
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  test.each([
    ['a bigint', { a: 1n }],
    ['a cycle', cycle],
  ])('is not asked for with %s, which is no fault of the server', async (_, body) => {
    const { http, sent } = clientOver(good);
    expect(await failureOf(http.postJson('/', body, { signal }))).toMatchObject({ code: 'invalid_request', provider: 'box' });
    expect(await failureOf(http.openStream('/', body, { signal }))).toMatchObject({ code: 'invalid_request' });
    expect(sent).toEqual([]);
  });

  test('in pieces that cut characters is put together', async () => {
    const bytes = new TextEncoder().encode('{"text":"世界"}');
    const { http } = clientOver({ pieces: [bytes.subarray(0, 11), bytes.subarray(11, 13), bytes.subarray(13)] });
    expect(await http.postJson('/', {}, { signal })).toEqual({ text: '世界' });
  });

  test.each<[string, Answer, string]>([
    ['not JSON', { pieces: ['Hello'] }, 'bad_response'],
    ['half of it', { pieces: ['{"a":'] }, 'bad_response'],
    ['nothing', { pieces: [] }, 'bad_response'],
    ['no body', { pieces: null }, 'bad_response'],
    ['status 204', { status: 204, pieces: null }, 'bad_response'],
    ['a web page', { headers: { 'content-type': 'text/html; charset=utf-8' }, pieces: ['<html>'] }, 'bad_response'],
    ['a redirect', { status: 302, headers: { location: 'http://elsewhere' }, pieces: [] }, 'bad_response'],
    ['an error with status 200', { pieces: ['{"error":{"message":"CUDA out of memory"}}'] }, 'out_of_memory'],
    ['401', { status: 401, pieces: ['{}'] }, 'auth'],
    ['503', { status: 503, pieces: ['{}'] }, 'overloaded'],
  ])('that is %s is refused', async (_, answer, code) => {
    const { http } = clientOver(answer);
    expect(await failureOf(http.postJson('/', {}, { signal }))).toMatchObject({ code, provider: 'box' });
  });

  test.each<[string, Answer | Error]>([
    ['503', { status: 503, pieces: ['{}'] }],
    ['an error with status 200', { pieces: ['{"error":{"message":"CUDA out of memory"}}'] }],
    ['a failure of the network', new Error('socket hang up')],
  ])('that is %s names the model of the call, so that no second error is made for it', async (_, answer) => {
    const { http } = clientOver(answer);
    expect(await failureOf(http.postJson('/', {}, { signal, model: 'llama' }))).toMatchObject({ provider: 'box', model: 'llama' });
  });

  test('does not stand in the message where it cannot be read', async () => {
    const { http } = clientOver({ pieces: ['{"private": "words'] });
    expect(((await failureOf(http.postJson('/', {}, { signal }))) as Error).message).not.toContain('private');
  });
});

describe('sizes', () => {
  const mebibyte = 'x'.repeat(1024 * 1024);
  function* endless(): Generator<string> {
    for (let count = 0; count < 64; count++) yield mebibyte;
  }

  test('an answer above the limit is refused while it comes, and the connection is closed', async () => {
    const { http, bodies } = clientOver({ pieces: endless() });
    expect(await failureOf(http.postJson('/', {}, { signal }))).toMatchObject({ code: 'limit_exceeded' });
    expect(bodies[0]?.state).toMatchObject({ cancelled: true, reads: bodyLimits.answerBytes / mebibyte.length + 1 });
  });

  test('a length that promises less than what comes unpacked is not believed', async () => {
    const { http, bodies } = clientOver({ headers: { 'content-length': '10', 'content-encoding': 'gzip' }, pieces: endless() });
    expect(await failureOf(http.postJson('/', {}, { signal }))).toMatchObject({ code: 'limit_exceeded' });
    expect(bodies[0]?.state.cancelled).toBe(true);
  });

  test('the body of an error is cut, and its connection is closed', async () => {
    const { http, bodies } = clientOver({ status: 500, pieces: endless() });
    expect(await failureOf(http.postJson('/', {}, { signal }))).toMatchObject({ code: 'unavailable', status: 500 });
    expect(bodies[0]?.state).toEqual({ cancelled: true, reads: 1 });
  });
});

describe('a connection that had been kept', () => {
  test('and that the server has closed is replaced, without a word', async () => {
    const { http, sent } = clientOver(stale(512), good);
    expect(await http.postJson('/', { a: 1 }, { signal })).toEqual({ ok: true });
    expect(sent.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}']);
  });

  test('is replaced until a fresh one is at hand: several may have been kept', async () => {
    const { http, sent } = clientOver(stale(512), stale(9), stale(512), good);
    expect(await http.postJson('/', {}, { signal })).toEqual({ ok: true });
    expect(sent).toHaveLength(4);
  });

  test('is replaced four times at most', async () => {
    const { http, sent } = clientOver(stale(512));
    expect(await failureOf(http.postJson('/', {}, { signal }))).toMatchObject({ code: 'unavailable' });
    expect(sent).toHaveLength(5);
  });

  test('and that is reset is replaced once only', async () => {
    const { http, sent } = clientOver(good, reset(), reset(), good);
    await http.postJson('/', {}, { signal });
    expect(await failureOf(http.postJson('/', {}, { signal }))).toMatchObject({ code: 'unavailable' });
    expect(sent).toHaveLength(3);
  });

  test('and that is reset counts as kept where the server has answered before', async () => {
    const { http, sent } = clientOver(good, reset(), good);
    await http.postJson('/', {}, { signal });
    expect(await http.postJson('/', {}, { signal })).toEqual({ ok: true });
    expect(sent).toHaveLength(3);
  });

  test('and that is reset counts as kept no more once the server has failed', async () => {
    const { http, sent } = clientOver(good, reset());
    await http.postJson('/', {}, { signal });
    for (let count = 0; count < 3; count++) await failureOf(http.postJson('/', {}, { signal }));
    // One of them was replaced; the server was dead, and the others were not.
    expect(sent).toHaveLength(1 + 2 + 1 + 1);
  });

  test('is replaced with the same key: a function that gives it is asked once', async () => {
    let asked = 0;
    const { http, sent } = clientWith(() => `key-${(asked += 1)}`, stale(512), stale(9), good);
    await http.postJson('/', {}, { signal });
    expect(sent.map(({ headers }) => headers['authorization'])).toEqual(['Bearer key-1', 'Bearer key-1', 'Bearer key-1']);
  });

  test('tells who asks for it, each time', async () => {
    const { http, replaced } = clientOver(stale(512), stale(9), good);
    await http.postJson('/', {}, { signal, requestId: 'r1' });
    expect(replaced).toEqual(['r1', 'r1']);
  });

  test.each([
    ['closed in the middle of its first line', stale(12, 'terminated')],
    ['closed', stale(0)],
    ['reset', reset()],
  ])('a fresh one that is %s is a failure', async (_, error) => {
    const { http, sent } = clientOver(error, good);
    expect(await failureOf(http.postJson('/', {}, { signal }))).toMatchObject({ code: 'unavailable' });
    expect(sent).toHaveLength(1);
  });
});

describe('the limit for a connection', () => {
  /** When a request is given up whose connection never stands. */
  async function waitsFor(connectMs: number | undefined): Promise<unknown> {
    const clock = testClock();
    const transport: Transport = {
      send: ({ onConnecting }) => new Promise((_, reject) => void onConnecting?.(reject)),
    };
    const options = { provider: 'box', url: 'http://box', headers: {}, keyHeader: 'authorization', transport, clock, connectMs: 3_000 };
    const http = createHttpClient({ ...options, apiKey: undefined });
    const sent = outcomeOf(http.postJson('/', {}, { signal, connectMs }));
    const startMs = clock.nowMs();
    while (!sent.settled) await clock.advance(10);
    expect(sent.error).toMatchObject({ code: 'timeout', phase: 'connect', provider: 'box' });
    return clock.nowMs() - startMs;
  }

  test('is that of the provider', async () => expect(await waitsFor(undefined)).toBe(3_000));

  test.each([50, 9_000])('or that of the call, which is %i ms', async (connectMs) => expect(await waitsFor(connectMs)).toBe(connectMs));
});

describe('streams', () => {
  test('are given once the server accepted the call, unread', async () => {
    const { http, bodies } = clientOver({ pieces: ['data: 1\n\n'] });
    expect(await http.openStream('/', {}, { signal })).toBe(bodies[0]);
    expect(bodies[0]?.state.reads).toBe(0);
  });

  test.each<Answer>([{ status: 500, pieces: ['{}'] }, { pieces: null }, { headers: { 'content-type': 'text/html' }, pieces: ['<p>'] }])(
    'are not given for %j',
    async (answer) => {
      const { http } = clientOver(answer);
      expect(await failureOf(http.openStream('/', {}, { signal }))).toMatchObject({ provider: 'box' });
    },
  );
});

describe('an abort', () => {
  test('gives its own reason, whatever the platform throws', async () => {
    const { http } = clientOver(new DOMException('aborted', 'AbortError'));
    expect(await failureOf(http.postJson('/', {}, { signal: AbortSignal.abort('why') }))).toBe('why');
  });

  test('is not followed by another try on a fresh connection', async () => {
    const { http, sent } = clientOver(stale(512), good);
    expect(await failureOf(http.postJson('/', {}, { signal: AbortSignal.abort('why') }))).toBe('why');
    expect(sent).toHaveLength(1);
  });

  test('while the body is read gives its own reason', async () => {
    const controller = new AbortController();
    const pieces = (function* () {
      yield '{';
      controller.abort('why');
    })();
    const { http } = clientOver({ pieces, failure: new Error('what the platform throws') });
    expect(await failureOf(http.postJson('/', {}, { signal: controller.signal }))).toBe('why');
  });
});

test('what the platform says of a fault is not repeated: it holds addresses and headers', async () => {
  const { http } = clientOver(new TypeError('Headers.append: "Bearer sk-0123456789" at http://box:8000/base?x is invalid'));
  expect(((await failureOf(http.postJson('/', {}, { signal }))) as Error).message).not.toMatch(/sk-0123|http:|base/);
});
