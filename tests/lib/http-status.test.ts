import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createHttpClient, type HttpClient } from '../../src/lib/http.ts';
import { byteStream } from '../_kit/byte-stream.ts';
import { failureOf } from '../_kit/fake-router.ts';

const { signal } = new AbortController();
const said = '{"choices":[{"message":{"content":"half of the secret plan"}}]}';

/** A server that gives a whole good answer under this status. */
function answering(status: number, text: string = said): HttpClient {
  const send = async () => {
    const body = byteStream([text]);
    return { status, header: () => null, body, text: () => new Response(body).text() };
  };
  return createHttpClient({
    provider: 'box',
    url: 'http://box',
    headers: {},
    keyHeader: 'authorization',
    apiKey: undefined,
    clock: systemClock,
    connectMs: 100,
    transport: { send },
  });
}

describe('a good status', () => {
  test.each([200, 201, 202, 203])('%i is that of an answer', async (status) => {
    expect(await answering(status).postJson('/x', {}, { signal })).toEqual(JSON.parse(said));
  });

  test.each([204, 205, 206, 207, 226, 299])(
    '%i says that this is no whole answer, and nothing of what it holds is repeated',
    async (status) => {
      for (const text of [said, '{"error":"half of the secret plan: out of memory"}', 'half of the secret plan', '']) {
        const http = answering(status, text);
        for (const failure of [
          await failureOf(http.postJson('/x', {}, { signal })),
          await failureOf(http.openStream('/x', {}, { signal })),
        ]) {
          expect(failure).toMatchObject({
            code: 'bad_response',
            status,
            reason: undefined,
            message: 'box: not an answer: The status says that this is no whole answer.',
          });
        }
      }
    },
  );

  test.each([100, 199, 300, 304])('%i is none', async (status) => {
    expect(await failureOf(answering(status).postJson('/x', {}, { signal }))).toMatchObject({ code: 'bad_response', status });
  });
});
