import assert from 'node:assert/strict';
import type { ChatRequest } from '../../index.ts';
import { reply } from '../script.ts';
import { head, question, sentIn, wasSent } from './calls.ts';
import { type AdapterCase, type Bench, inGroup } from './case.ts';
import { chat, readWell } from './reading.ts';

const formats = inGroup('formats');

/** What is sent for a request that gets a plain answer. */
async function sentFor(bench: Bench, request: Partial<ChatRequest>): Promise<string> {
  bench.play(reply('{}'));
  await chat(bench, question(request));
  return sentIn(bench.calls[0]);
}

/** The field has to change what is sent: a server must not answer another question than the one asked. */
async function changes(bench: Bench, request: Partial<ChatRequest>): Promise<string> {
  const sent = await sentFor(bench, request);
  assert.notEqual(sent, await sentFor(bench, {}), `The request is the same without ${Object.keys(request).join(', ')}: ${head(sent)}`);
  return sent;
}

export const formatCases: readonly AdapterCase[] = [
  formats('sends that the answer must be JSON', ['chat', 'jsonObject'], async (bench) => {
    await changes(bench, { response_format: { type: 'json_object' } });
  }),
  formats('sends the schema that the answer must follow', ['chat', 'jsonSchema'], async (bench) => {
    const schema = { type: 'object', properties: { property_of_the_schema: { type: 'string' } }, required: ['property_of_the_schema'] };
    const sent = await changes(bench, { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } });
    wasSent(sent, 'property_of_the_schema');
  }),
  formats('gives an answer in JSON as the server wrote it', ['chat', 'jsonSchema'], async (bench) => {
    bench.play(reply('{"city": "Paris"}'));
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    const request = question({ response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } });
    assert.equal((await chat(bench, request)).choices[0]?.message.content, '{"city": "Paris"}');
    assert.equal((await readWell(bench, request)).text, '{"city": "Paris"}');
  }),
  formats('sends the bytes of an image, and the text beside it', ['chat', 'vision'], async (bench) => {
    const url = 'data:image/png;base64,Y2FuYXJ5LW9mLXRoZS1pbWFnZQ==';
    const content = [
      { type: 'text' as const, text: 'text-beside-the-image' },
      { type: 'image_url' as const, image_url: { url } },
    ];
    const sent = await sentFor(bench, { messages: [{ role: 'user', content }] });
    wasSent(sent, 'Y2FuYXJ5LW9mLXRoZS1pbWFnZQ==');
    wasSent(sent, 'text-beside-the-image');
  }),
  formats('sends that log probabilities are wanted', ['chat', 'logprobs'], async (bench) => {
    await changes(bench, { logprobs: true });
    await changes(bench, { logprobs: true, top_logprobs: 3 });
  }),
  formats('gives log probabilities beside the text', ['chat', 'logprobs'], async (bench) => {
    bench.play(reply('Yes.'));
    const [choice] = (await chat(bench, question({ logprobs: true }))).choices;
    const { content } = (choice?.logprobs ?? {}) as {
      readonly content?: readonly { readonly token?: unknown; readonly logprob?: unknown }[];
    };
    assert.ok(content !== undefined && content.length > 0, `There is no logprobs.content: ${JSON.stringify(choice)}`);
    assert.deepEqual(
      content.map(({ token, logprob }) => [typeof token, typeof logprob]),
      content.map(() => ['string', 'number']),
      `Each has a token and a logprob: ${JSON.stringify(content)}`,
    );
  }),
  formats('sends the bias of a token', ['chat', 'logitBias'], async (bench) => {
    wasSent(await changes(bench, { logit_bias: { '47110815': 7 } }), '47110815');
  }),
  formats('gives as many choices as were asked for', ['chat', 'choices'], async (bench) => {
    bench.play(reply('One of two.'));
    const { choices } = await chat(bench, question({ n: 2 }));
    assert.deepEqual(
      choices.map(({ index, message }) => ({ index, content: message.content })),
      [
        { index: 0, content: 'One of two.' },
        { index: 1, content: 'One of two.' },
      ],
    );
  }),
  formats('gives every choice of a stream its text and its end', ['chat', 'choices'], async (bench) => {
    bench.play(reply('One of two.'));
    const { chunks } = await readWell(bench, question({ n: 2 }));
    for (const wanted of [0, 1]) {
      const parts = chunks.flatMap(({ choices }) => choices.filter(({ index }) => index === wanted));
      assert.equal(parts.map(({ delta }) => delta.content ?? '').join(''), 'One of two.');
      assert.equal(parts.filter(({ finish_reason: reason }) => Boolean(reason)).length, 1);
    }
  }),
  formats('sends how hard to think', ['chat', 'reasoningEffort'], async (bench) => {
    const [low, high] = [await changes(bench, { reasoning_effort: 'low' }), await changes(bench, { reasoning_effort: 'high' })];
    assert.notEqual(low, high);
  }),
];
