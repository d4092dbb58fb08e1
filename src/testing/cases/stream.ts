import assert from 'node:assert/strict';
import type { ChatChunk } from '../../index.ts';
import {
  cutAfter,
  errorInStream,
  garbageAt,
  inWrites,
  outOfMemory,
  reply,
  serverError,
  stallAfter,
  status,
  type Step,
  toolCall,
  usage,
} from '../script.ts';
import { chatCall, neverAborts, question } from './calls.ts';
import { type AdapterCase, type Bench, inGroup } from './case.ts';
import { wideText } from './chat.ts';
import { breakOf, chat, failureOf, hasCode, read, readWell, soon } from './reading.ts';
import { acrossPieces, withoutEnd } from './edited.ts';

const streams = inGroup('stream');

const pieces = ['One ', 'two ', 'three ', 'four.'];
const text = pieces.join('');
const answer = reply(text, { pieces });

/** What must not depend on the network; an id may be made anew for each answer. */
function meaning(chunks: readonly ChatChunk[]): unknown {
  return chunks.map(({ choices, usage: counts }) => ({ choices, usage: counts }));
}

function isEnd({ choices }: ChatChunk): boolean {
  return choices.some(({ finish_reason: reason }) => Boolean(reason));
}

const whole: readonly AdapterCase[] = [
  streams('gives the same text as a chat', ['chat'], async (bench) => {
    bench.play(reply(wideText));
    const { choices } = await chat(bench, question());
    assert.equal((await readWell(bench, question())).text, choices[0]?.message.content);
  }),
  streams('asks for a stream', ['chat', 'stream'], async (bench) => {
    bench.play(answer);
    await readWell(bench, question());
    assert.deepEqual(
      bench.calls.map(({ verb }) => verb),
      ['stream'],
    );
  }),
  streams('ends with one finish reason, and no text behind it', ['chat'], async (bench) => {
    bench.play(answer);
    const { chunks, finishReasons } = await readWell(bench, question());
    assert.deepEqual(finishReasons, ['stop']);
    const behind = chunks.slice(chunks.findIndex(isEnd) + 1);
    assert.deepEqual(
      behind.flatMap(({ choices }) => choices),
      [],
      'Nothing but usage comes behind the finish reason.',
    );
  }),
  streams('tells that the answer reached its limit, as a chat does', ['chat', 'says:a reached limit'], async (bench) => {
    bench.play(reply('Not don', { finishReason: 'length' }));
    assert.deepEqual((await readWell(bench, question())).finishReasons, ['length']);
  }),
  streams('reports the usage that the server counted, once', ['chat', 'says:usage'], async (bench) => {
    bench.play(usage({ promptTokens: 31, completionTokens: 7 }));
    const { usages } = await readWell(bench, question());
    const last = usages.at(-1);
    assert.deepEqual([last?.prompt_tokens, last?.completion_tokens, last?.total_tokens], [31, 7, 38]);
    assert.equal(usages.length, 1);
  }),
  streams('reports no usage where the server counted none, as a chat does', ['chat', 'says:no usage'], async (bench) => {
    bench.play(usage(null));
    assert.deepEqual((await readWell(bench, question())).usages, []);
  }),
  streams('keeps reasoning apart from the text, as a chat does', ['chat', 'says:reasoning'], async (bench) => {
    bench.play(reply('Four.', { reasoning: 'Two and two.' }));
    const reading = await readWell(bench, question());
    assert.equal(reading.text, 'Four.');
    assert.equal(reading.reasoning, 'Two and two.');
  }),
  streams('takes an empty text that ended for an answer, as a chat does', ['chat'], async (bench) => {
    bench.play(reply('', { finishReason: 'stop' }));
    const reading = await readWell(bench, question());
    assert.equal(reading.text, '');
    assert.deepEqual(reading.finishReasons, ['stop']);
  }),
  streams('stays at its end', ['chat'], async (bench) => {
    bench.play(answer);
    const batches = (await bench.adapter.stream(chatCall(bench, question())))[Symbol.asyncIterator]();
    for (let result = await batches.next(); result.done !== true; result = await batches.next());
    assert.equal((await batches.next()).done, true);
  }),
];

/** The chunks of one step, read as the network gave them and as it might have given them. */
async function isSameWhen(bench: Bench, cut: (step: Step) => Step): Promise<void> {
  const steps = [reply(wideText, { reasoning: 'Hm — 你好.' }), reply(text, { pieces, finishReason: 'length' })];
  for (const step of steps) {
    bench.play(step, cut(step));
    const usual = await readWell(bench, question());
    assert.deepEqual(meaning((await readWell(bench, question())).chunks), meaning(usual.chunks));
  }
}

const thinking = reply('<think>Two and two.</think>Four.', { pieces: ['<thi', 'nk>Two and', ' two.</th', 'ink>Fo', 'ur.'] });

const network: readonly AdapterCase[] = [
  streams('treats a <think> block as a chat does, wherever it is cut', ['chat'], async (bench) => {
    bench.play(thinking, thinking, inWrites('bytes', thinking));
    const { content, reasoning_content: reasoning } = (await chat(bench, question())).choices[0]?.message ?? {};
    for (const reading of [await readWell(bench, question()), await readWell(bench, question())]) {
      assert.deepEqual([reading.text, reading.reasoning], [content, reasoning ?? '']);
    }
  }),
  streams('gives the same chunks when every byte comes alone', ['chat', 'stream'], (bench) =>
    isSameWhen(bench, (step) => inWrites('bytes', step)),
  ),
  streams('gives the same chunks when all bytes come at once', ['chat', 'stream'], (bench) =>
    isSameWhen(bench, (step) => inWrites('one', step)),
  ),
  streams('gives the same chunks when each write ends in the middle of one', ['chat', 'stream'], (bench) =>
    isSameWhen(bench, acrossPieces),
  ),
  streams('gives the same tool calls when every byte comes alone', ['chat', 'stream', 'tools'], async (bench) => {
    const step = toolCall('look_up', { word: 'Größe 👩‍🚀', depth: 3 });
    bench.play(step, inWrites('bytes', step));
    const usual = await readWell(bench, question({ tools: [{ type: 'function', function: { name: 'look_up' } }] }));
    const cut = await readWell(bench, question({ tools: [{ type: 'function', function: { name: 'look_up' } }] }));
    assert.deepEqual(
      cut.calls.map((call) => call.arguments),
      usual.calls.map((call) => call.arguments),
    );
  }),
  streams('gives a piece before the server has sent the next', ['chat', 'stream'], async (bench) => {
    bench.play(stallAfter(1, answer));
    const controller = new AbortController();
    const batches = await soon(bench.adapter.stream(chatCall(bench, question(), controller.signal)), 'the stream opens');
    const reader = batches[Symbol.asyncIterator]();
    let told = '';
    while (told === '') {
      const { value, done } = await soon(reader.next(), 'the first piece comes');
      assert.notEqual(done, true);
      told += (value as readonly ChatChunk[]).map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    }
    assert.equal(told, pieces[0]);
    controller.abort();
    await reader.return?.();
  }),
];

const broken: readonly AdapterCase[] = [
  streams('rejects as it is opened where the server refuses the call', ['chat'], async (bench) => {
    bench.play(status(500));
    hasCode(await failureOf(soon(bench.adapter.stream(chatCall(bench, question(), neverAborts())), 'the stream opens')), 'unavailable');
  }),
  streams('breaks with "unavailable" where the connection is closed in the middle', ['chat'], async (bench) => {
    bench.play(cutAfter(2, 'fin', answer));
    const reading = await read(bench, question());
    hasCode(breakOf(reading), 'unavailable');
    assert.deepEqual(reading.finishReasons, []);
  }),
  streams('breaks with "unavailable" where the connection is reset in the middle', ['chat'], async (bench) => {
    bench.play(cutAfter(2, 'rst', answer));
    const reading = await read(bench, question());
    hasCode(breakOf(reading), 'unavailable');
    assert.deepEqual(reading.finishReasons, []);
  }),
  streams('gives what came before the connection was closed', ['chat', 'stream'], async (bench) => {
    bench.play(cutAfter(2, 'fin', answer));
    assert.equal((await read(bench, question())).text, pieces.slice(0, 2).join(''));
  }),
  streams('breaks with "bad_response" where the body ends before its terminator', ['chat', 'stream', 'terminator'], async (bench) => {
    bench.play(withoutEnd(answer));
    const reading = await read(bench, question());
    hasCode(breakOf(reading), 'bad_response');
    assert.equal(reading.text, text);
    assert.deepEqual(reading.finishReasons, []);
  }),
  streams('breaks with "bad_response" at what cannot be read', ['chat'], async (bench) => {
    bench.play(garbageAt(2, answer));
    hasCode(breakOf(await read(bench, question())), 'bad_response');
  }),
  streams(
    'gives what came before the server ran out of memory, and then says so',
    ['chat', 'stream', 'mid-stream:out-of-memory'],
    async (bench) => {
      bench.play(errorInStream(2, { ...outOfMemory(), answer: answer.answer }));
      const reading = await read(bench, question());
      hasCode(breakOf(reading), 'out_of_memory');
      assert.equal(reading.text, pieces.slice(0, 2).join(''));
    },
  ),
  streams('gives what came before the server failed, and then says so', ['chat', 'stream', 'mid-stream:server'], async (bench) => {
    bench.play(errorInStream(2, { ...serverError(), answer: answer.answer }));
    const reading = await read(bench, question());
    hasCode(breakOf(reading), 'unavailable');
    assert.equal(reading.text, pieces.slice(0, 2).join(''));
  }),
  streams(
    'takes an error as the first event for the failure of the call',
    ['chat', 'stream', 'mid-stream:out-of-memory'],
    async (bench) => {
      bench.play(errorInStream(0, { ...outOfMemory(), answer: answer.answer }));
      const reading = await read(bench, question());
      hasCode(breakOf(reading), 'out_of_memory');
      assert.equal(reading.text, '');
    },
  ),
];

const brokenAnswers: readonly AdapterCase[] = [
  streams('a whole answer that is cut short is "unavailable"', ['chat'], async (bench) => {
    bench.play(cutAfter(2, 'fin', answer));
    hasCode(await failureOf(chat(bench, question())), 'unavailable');
  }),
  streams('a whole answer that cannot be read is a "bad_response"', ['chat'], async (bench) => {
    bench.play(garbageAt(1, answer));
    hasCode(await failureOf(chat(bench, question())), 'bad_response');
  }),
];

export const streamCases: readonly AdapterCase[] = [...whole, ...network, ...broken, ...brokenAnswers];
