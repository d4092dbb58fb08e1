import assert from 'node:assert/strict';
import type { Call, ChatRequest } from '../../index.ts';
import { inWrites, reply, type Step } from '../script.ts';
import { question } from './calls.ts';
import { type AdapterCase, type Bench, inGroup, type Need } from './case.ts';
import { wideText } from './chat.ts';
import { type Asked, chat, readWell } from './reading.ts';

const continuation = inGroup('continuation');

const needs: readonly Need[] = ['chat', 'prefill', 'says:continuation'];

const told = (call: Call<ChatRequest>): Call<ChatRequest> => ({ ...call, continues: true });

/** Calls as a router makes them when a stream broke off and another provider is to write the rest. */
function continuing({ adapter, model }: Bench): Asked {
  return { model, adapter: { ...adapter, chat: (call) => adapter.chat(told(call)), stream: (call) => adapter.stream(told(call)) } };
}

function begunWith(text: string): ChatRequest {
  const { messages } = question();
  return question({ messages: [...messages, { role: 'assistant', content: text }] });
}

/** The rest of an answer in both forms, each with how it ended. */
async function restsOf(bench: Bench, begun: string, ...steps: readonly Step[]): Promise<{ chat: unknown[]; stream: unknown[] }> {
  const asked = continuing(bench);
  bench.play(...steps);
  const [choice] = (await chat(asked, begunWith(begun))).choices;
  const { text, finishReasons } = await readWell(asked, begunWith(begun));
  return { chat: [choice?.message.content, choice?.finish_reason], stream: [text, ...finishReasons] };
}

async function givesRest(bench: Bench, begun: string, rest: string): Promise<void> {
  const expected = [rest, 'stop'];
  assert.deepEqual(await restsOf(bench, begun, reply(begun + rest)), { chat: expected, stream: expected });
}

/** In the middle of a line, with letters of several bytes on both sides. */
const seam = wideText.indexOf('"quoted"');

export const continuationCases: readonly AdapterCase[] = [
  continuation('asks for the rest of an answer in the words of the server', needs, async (bench) => {
    await restsOf(bench, 'One two', reply('One two three four.'));
    const begun = bench.calls.map((call) => bench.begunBy(call));
    assert.deepEqual(begun, ['One two', 'One two'], 'What the server was asked to continue, by a chat and by a stream.');
  }),
  continuation('gives the rest of an answer and nothing of its beginning, with the blank between them', needs, (bench) =>
    givesRest(bench, 'One two', ' three four.'),
  ),
  continuation('gives a rest as it was written', needs, (bench) => givesRest(bench, wideText.slice(0, seam), wideText.slice(seam))),
  continuation('gives a rest that begins with a line', needs, (bench) => givesRest(bench, 'One:', '\n\n- two\n- three')),
  continuation('gives a rest that begins like the answer', needs, (bench) => givesRest(bench, 'ha ', 'ha ha ha')),
  continuation('gives the same rest however the network cuts it', needs, async (bench) => {
    const answer = reply('One two three four.', { pieces: ['One ', 'two three', ' four.'] });
    const expected = [' three four.', 'stop'];
    for (const cut of [inWrites('bytes', answer), inWrites('one', answer)]) {
      assert.deepEqual(await restsOf(bench, 'One two', cut), { chat: expected, stream: expected });
    }
  }),
  continuation('takes an end without any more text for the end of the answer', needs, (bench) => givesRest(bench, 'One two.', '')),
  continuation('asks for a new answer where it is not told to continue one', needs, async (bench) => {
    bench.play(reply('One two three four.'));
    await chat(bench, question());
    await readWell(bench, question());
    assert.deepEqual(
      bench.calls.map((call) => bench.begunBy(call)),
      [undefined, undefined],
    );
  }),
  continuation('takes nothing off an answer that it was not told to continue', needs, async (bench) => {
    bench.play(reply('One two three four.'));
    const texts = [
      (await chat(bench, begunWith('One two'))).choices[0]?.message.content,
      (await readWell(bench, begunWith('One two'))).text,
    ];
    // Some servers continue every such message.
    const isNew = bench.calls.every((call) => bench.begunBy(call) === undefined);
    if (isNew) assert.deepEqual(texts, ['One two three four.', 'One two three four.']);
  }),
];
