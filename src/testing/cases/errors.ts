import assert from 'node:assert/strict';
import type { ChatRequest, ErrorCode, RouterError } from '../../index.ts';
import { type FailureKind, html, rateLimited, status, type Step } from '../script.ts';
import { question } from './calls.ts';
import { type AdapterCase, type Bench, inGroup } from './case.ts';
import { failureOfKind } from './needs.ts';
import { breakOf, chat, embed, failureOf, hasCode, read } from './reading.ts';

const errors = inGroup('errors');

/** What each failure is, whoever tells it and in whatever words. */
const codes: Readonly<Record<Exclude<FailureKind, 'status'>, ErrorCode>> = {
  'out-of-memory': 'out_of_memory',
  driver: 'driver',
  'queue-full': 'overloaded',
  loading: 'model_loading',
  'rate-limit': 'rate_limited',
  quota: 'quota_exhausted',
  auth: 'auth',
  'model-missing': 'model_not_found',
  'context-length': 'context_length',
  'bad-request': 'bad_request',
  server: 'unavailable',
  empty: 'bad_response',
  html: 'unavailable',
};
const kinds = Object.keys(codes) as (keyof typeof codes)[];

function failing(kind: FailureKind): Step {
  return { answer: {}, failure: failureOfKind(kind), faults: {} };
}

async function streamFailure(bench: Bench, request: ChatRequest): Promise<RouterError> {
  const reading = await read(bench, request);
  assert.equal(reading.text, '', 'No text comes from a server that failed.');
  return breakOf(reading);
}

/** The failure of whatever the adapter does: a chat, else an embedding. */
function anyFailure(bench: Bench): Promise<RouterError> {
  return failureOf(bench.adapter.chats ? chat(bench, question()) : embed(bench, { input: 'A text' }));
}

const byKind: readonly AdapterCase[] = kinds.flatMap((kind) => [
  errors(`a chat that fails by "${kind}" is "${codes[kind]}"`, ['chat', `failure:${kind}`], async (bench) => {
    bench.play(failing(kind));
    hasCode(await failureOf(chat(bench, question())), codes[kind]);
  }),
  errors(`a stream that fails by "${kind}" is "${codes[kind]}"`, ['chat', `failure:${kind}`], async (bench) => {
    bench.play(failing(kind));
    hasCode(await streamFailure(bench, question()), codes[kind]);
  }),
  errors(`an embedding that fails by "${kind}" is "${codes[kind]}"`, ['embed', `embed-failure:${kind}`], async (bench) => {
    bench.play(failing(kind));
    hasCode(await failureOf(embed(bench, { input: 'A text' })), codes[kind]);
  }),
]);

const byStatus: readonly AdapterCase[] = [
  errors('a bare 500 is "unavailable", and says the status', [], async (bench) => {
    bench.play(status(500));
    const error = await anyFailure(bench);
    hasCode(error, 'unavailable');
    assert.equal(error.status, 500);
  }),
  errors('a bare 503 is "overloaded", with the wait that was asked for', [], async (bench) => {
    bench.play(status(503, { retryAfter: 7 }));
    const error = await anyFailure(bench);
    hasCode(error, 'overloaded');
    assert.equal(error.retryAfterMs, 7_000);
  }),
  errors('a bare 429 is "rate_limited", with the wait that was asked for', [], async (bench) => {
    bench.play(status(429, { retryAfter: 7 }));
    const error = await anyFailure(bench);
    hasCode(error, 'rate_limited');
    assert.equal(error.retryAfterMs, 7_000);
  }),
  errors('a wait that the server names is told in milliseconds', ['failure:rate-limit'], async (bench) => {
    bench.play(rateLimited(11));
    assert.equal((await anyFailure(bench)).retryAfterMs, 11_000);
  }),
  errors('a wait that the server names as a date is a wait', ['failure:rate-limit'], async (bench) => {
    bench.play(rateLimited('Fri, 31 Dec 2100 23:59:59 GMT'));
    // Longer waits are cut to this.
    assert.equal((await anyFailure(bench)).retryAfterMs, 300_000);
  }),
];

const pages: readonly AdapterCase[] = [
  errors('a web page in place of an answer is a "bad_response", though its status is 200', [], async (bench) => {
    bench.play(html(200));
    hasCode(await anyFailure(bench), 'bad_response');
  }),
  errors('a web page in place of a stream is a "bad_response", though its status is 200', ['chat'], async (bench) => {
    bench.play(html(200));
    hasCode(await streamFailure(bench, question()), 'bad_response');
  }),
  errors('a web page that blames the caller is not believed', [], async (bench) => {
    bench.play(html(400));
    hasCode(await anyFailure(bench), 'bad_response');
  }),
];

const network: readonly AdapterCase[] = [
  errors('a server that is gone is "unavailable", in the phase "connect"', [], async (bench) => {
    await bench.backend.close();
    const error = await anyFailure(bench);
    hasCode(error, 'unavailable');
    assert.equal(error.phase, 'connect');
  }),
  errors('a server that is gone is not healthy', ['health'], async (bench) => {
    await bench.backend.close();
    hasCode(await failureOf(bench.adapter.health?.(new AbortController().signal) ?? Promise.resolve()), 'unavailable');
  }),
];

const prompt = 'secret-of-the-user: the treasure lies under the third oak';

/** The key as it was sent: behind `Bearer`, or as it is. */
function keyIn(headers: Readonly<Record<string, string>>): string | undefined {
  return headers['x-api-key'] ?? headers['authorization']?.replace(/^Bearer /, '');
}

/** Which strings of a body are content can only be told by their names. */
const advice = 'What httpFor() sends under "prompt", "messages", "system", "input", "inputs" or "text" is masked.';

async function tellsNothing(bench: Bench, ask: () => Promise<RouterError>): Promise<void> {
  bench.play(status(500));
  await ask();
  const key = keyIn(bench.calls[0]?.headers ?? {});
  bench.play(status(500, { message: `Cannot handle ${prompt} with key ${key ?? ''}` }));
  const error = await ask();
  const told = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
  assert.ok(!told.includes('treasure'), `The error must not repeat the prompt. ${advice} It says: ${error.message}`);
  assert.ok(key === undefined || !told.includes(key), `The error must not repeat the key. It says: ${error.message}`);
  assert.ok(!/https?:\/\//.test(JSON.stringify(error)), 'The error must not hold a full URL.');
}

const secrets: readonly AdapterCase[] = [
  errors('an error repeats neither the prompt nor the key, even where the server does', ['chat'], async (bench) => {
    const messages = [{ role: 'user' as const, content: prompt }];
    await tellsNothing(bench, () => failureOf(chat(bench, { messages })));
    await tellsNothing(bench, () => streamFailure(bench, { messages }));
  }),
  errors('an error of an embedding repeats neither the text nor the key', ['embed'], async (bench) => {
    await tellsNothing(bench, () => failureOf(embed(bench, { input: ['A text', prompt] })));
  }),
];

export const errorCases: readonly AdapterCase[] = [...byKind, ...byStatus, ...pages, ...network, ...secrets];
