import assert from 'node:assert/strict';
import type { Rule } from '../backend.ts';
import { embed as vectors, reply } from '../script.ts';
import { question, sentIn } from './calls.ts';
import { type AdapterCase, inGroup } from './case.ts';
import { chat, embed, readWell } from './reading.ts';

const together = inGroup('concurrency');

const numbers = Array.from({ length: 20 }, (_, at) => at);
const asked = (at: number): string => `question-${at}-of-many`;
const answered = (at: number): string => `The answer to number ${at} — 你好, in a few pieces.`;

/** Each question has its own answer, whatever the order in which they arrive. */
const rules: readonly Rule[] = numbers.map((at) => ({
  when: { where: (call) => sentIn(call).includes(asked(at)) },
  steps: [reply(answered(at))],
}));

export const concurrencyCases: readonly AdapterCase[] = [
  together('twenty chats and twenty streams at once do not mix', ['chat'], async (bench) => {
    bench.play(...rules);
    const request = (at: number): ReturnType<typeof question> => question({ messages: [{ role: 'user', content: asked(at) }] });
    const chats = numbers.map(async (at) => (await chat(bench, request(at))).choices[0]?.message.content);
    const streams = numbers.map(async (at) => (await readWell(bench, request(at))).text);
    assert.deepEqual(await Promise.all(chats), numbers.map(answered));
    assert.deepEqual(await Promise.all(streams), numbers.map(answered));
    assert.equal(bench.calls.length, 40);
    assert.equal(bench.backend.aborted, 0, 'No call is given up.');
  }),
  together('twenty embeddings at once do not mix', ['embed'], async (bench) => {
    const steps = numbers.map((at): Rule => ({
      when: { where: (call) => sentIn(call).includes(asked(at)) },
      steps: [vectors([[at, 1]])],
    }));
    bench.play(...steps);
    const answers = await Promise.all(numbers.map((at) => embed(bench, { input: asked(at) })));
    assert.deepEqual(
      answers.map(({ data }) => data[0]?.embedding),
      numbers.map((at) => [at, 1]),
    );
  }),
];
