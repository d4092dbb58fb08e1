import assert from 'node:assert/strict';
import type { ChatChunk } from '../../index.ts';
import { reply, stallAfter, stallBeforeHeaders } from '../script.ts';
import { chatCall, question } from './calls.ts';
import { type AdapterCase, type Bench, inGroup } from './case.ts';
import { chat, embed, read, soon, until } from './reading.ts';

const aborts = inGroup('abort');

const answer = reply('One two three four.', { pieces: ['One ', 'two ', 'three ', 'four.'] });

/** The caller's own; not even an error, so that nobody can take it for one of theirs. */
const reason = Object.freeze({ why: 'The caller has changed its mind.' });

type Ask = (bench: Bench, signal: AbortSignal) => Promise<unknown>;

const askChat: Ask = (bench, signal) => chat(bench, question(), signal);
const askEmbed: Ask = (bench, signal) => embed(bench, { input: 'A text' }, signal);
const askStream: Ask = async (bench, signal) => {
  const { failure } = await read(bench, question(), signal);
  if (failure !== undefined) throw failure.error;
};

async function isReason(call: Promise<unknown>): Promise<void> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  assert.ok(outcome, 'The call must fail, and it did not.');
  if (outcome.error instanceof assert.AssertionError) throw outcome.error;
  assert.equal(outcome.error, reason, "What is thrown is the caller's own reason.");
}

async function abortsBeforeStart(bench: Bench, ask: Ask): Promise<void> {
  bench.play(answer);
  const before = bench.backend.requests.length;
  await isReason(ask(bench, AbortSignal.abort(reason)));
  assert.equal(bench.backend.requests.length, before, 'Nothing is sent.');
}

/** The server has the call and says nothing, or nothing more. */
async function abortsWhileSilent(bench: Bench, ask: Ask): Promise<void> {
  const controller = new AbortController();
  const asked = isReason(ask(bench, controller.signal));
  await until(() => bench.calls.length === 1, 'the call arrives');
  controller.abort(reason);
  await asked;
  await until(() => bench.calls[0]?.aborted === true, 'the server sees that the caller is gone');
}

/** Reads up to the first text, then does what the case is about. */
async function afterFirstText(
  bench: Bench,
  signal: AbortSignal,
  leave: (rest: AsyncIterator<readonly ChatChunk[]>) => Promise<void>,
): Promise<void> {
  const batches = await soon(bench.adapter.stream(chatCall(bench, question(), signal)), 'the stream opens');
  const reader = batches[Symbol.asyncIterator]();
  for (let hasText = false; !hasText;) {
    const { value, done } = await soon(reader.next(), 'the first piece comes');
    assert.notEqual(done, true);
    hasText = (value as readonly ChatChunk[]).some(({ choices }) => Boolean(choices[0]?.delta.content));
  }
  await leave(reader);
}

export const abortCases: readonly AdapterCase[] = [
  aborts('a chat that was aborted before its start is not sent', ['chat'], (bench) => abortsBeforeStart(bench, askChat)),
  aborts('a stream that was aborted before its start is not sent', ['chat'], (bench) => abortsBeforeStart(bench, askStream)),
  aborts('an embedding that was aborted before its start is not sent', ['embed'], (bench) => abortsBeforeStart(bench, askEmbed)),
  aborts("a chat without an answer ends with the caller's reason", ['chat'], async (bench) => {
    bench.play(stallBeforeHeaders());
    await abortsWhileSilent(bench, askChat);
  }),
  aborts("a stream without an answer ends with the caller's reason", ['chat'], async (bench) => {
    bench.play(stallBeforeHeaders());
    await abortsWhileSilent(bench, askStream);
  }),
  aborts("an embedding without an answer ends with the caller's reason", ['embed'], async (bench) => {
    bench.play(stallBeforeHeaders());
    await abortsWhileSilent(bench, askEmbed);
  }),
  aborts("a chat in the middle of its answer ends with the caller's reason", ['chat'], async (bench) => {
    bench.play(stallAfter(1, answer));
    await abortsWhileSilent(bench, askChat);
  }),
  aborts("a stream in the middle ends with the caller's reason", ['chat', 'stream'], async (bench) => {
    bench.play(stallAfter(2, answer));
    const controller = new AbortController();
    await afterFirstText(bench, controller.signal, async (rest) => {
      const silent = (async () => {
        while ((await rest.next()).done !== true);
      })();
      controller.abort(reason);
      await isReason(soon(silent, 'the stream ends'));
    });
    await until(() => bench.calls[0]?.aborted === true, 'the server sees that the caller is gone');
  }),
  aborts('a reader that leaves closes the connection', ['chat', 'stream'], async (bench) => {
    bench.play(stallAfter(2, answer));
    await afterFirstText(bench, new AbortController().signal, async (rest) => {
      await soon(Promise.resolve(rest.return?.()), 'the stream lets go');
    });
    // Open connections are not counted: the platform keeps some for later, and opens one anew in place of one that was closed.
    await until(() => bench.calls[0]?.aborted === true, 'the server sees the end of the connection');
  }),
];
