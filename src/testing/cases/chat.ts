import assert from 'node:assert/strict';
import { inWrites, reply, usage } from '../script.ts';
import { question, sentIn, wasNotSent, wasSent } from './calls.ts';
import { type AdapterCase, inGroup } from './case.ts';
import { chat } from './reading.ts';

const chats = inGroup('chat');

/** Letters of one to four bytes, joined signs, and what JSON and lines must escape. */
export const wideText = 'Größe 你好 👩‍🚀 "quoted" \\ back\n\nnew line\tand a tab — é.';

const history = [
  { role: 'system', content: 'mark-of-the-system' },
  { role: 'user', content: 'mark-of-the-first-question' },
  { role: 'assistant', content: 'mark-of-the-answer' },
  { role: 'user', content: 'mark-of-the-second-question' },
] as const;

const sending: readonly AdapterCase[] = [
  chats('sends the system text and the history, each once and in order', ['chat'], async (bench) => {
    bench.play(reply());
    await chat(bench, { messages: history });
    const sent = sentIn(bench.calls[0]);
    const places = history.map(({ content }) => sent.indexOf(content));
    assert.ok(!places.includes(-1), 'Every text is sent.');
    assert.ok(history.every(({ content }) => sent.split(content).length === 2, 'No text is sent twice.'));
    // Some protocols have a field for the system text, which may stand anywhere.
    const turns = places.slice(1);
    assert.deepEqual(
      turns,
      turns.toSorted((left, right) => left - right),
    );
  }),
  chats('sends a text as it was written', ['chat'], async (bench) => {
    bench.play(reply());
    await chat(bench, { messages: [{ role: 'user', content: wideText }] });
    wasSent(sentIn(bench.calls[0]), JSON.stringify(wideText).slice(1, -1));
  }),
  chats('sends the text of a message in parts', ['chat'], async (bench) => {
    bench.play(reply());
    const content = ['mark-of-a-part', 'mark-of-another'].map((text) => ({ type: 'text' as const, text }));
    await chat(bench, { messages: [{ role: 'user', content }] });
    assert.match(sentIn(bench.calls[0]), /mark-of-a-part.*mark-of-another/);
  }),
  chats('names the model by the name of the server, not by the alias', ['chat', 'model name'], async (bench) => {
    bench.play(reply());
    await chat(bench, question({ model: 'alias-of-the-caller' }));
    assert.equal(bench.calls[0]?.model, bench.model);
    wasNotSent(sentIn(bench.calls[0]), 'alias-of-the-caller');
  }),
  chats('sends its own extra fields and no others', ['chat'], async (bench) => {
    const { name } = bench.adapter;
    const other = name === 'ollama' ? 'vllm' : 'ollama';
    bench.play(reply());
    await chat(bench, question({ extra: { [name]: { own_field: 'own-canary' }, [other]: { foreign_field: 'foreign-canary' } } }));
    const sent = sentIn(bench.calls[0]);
    assert.ok(sent.includes('"own_field":"own-canary"'), 'Its own field is sent.');
    assert.ok(!sent.includes('foreign'), 'No other field is sent.');
  }),
];

const answers: readonly AdapterCase[] = [
  chats('gives the text of the answer', ['chat'], async (bench) => {
    bench.play(reply('There is much to say.'));
    const { choices } = await chat(bench, question());
    assert.equal(choices[0]?.message.content, 'There is much to say.');
  }),
  chats('gives a text as it was written', ['chat'], async (bench) => {
    bench.play(reply(wideText));
    const { choices } = await chat(bench, question());
    assert.equal(choices[0]?.message.content, wideText);
  }),
  chats('gives the same answer however the network cuts it', ['chat'], async (bench) => {
    bench.play(reply(wideText), inWrites('bytes', reply(wideText)), inWrites('one', reply(wideText)));
    const texts = [await chat(bench, question()), await chat(bench, question()), await chat(bench, question())];
    assert.deepEqual(
      texts.map(({ choices }) => choices[0]?.message.content),
      [wideText, wideText, wideText],
    );
  }),
  chats('takes an empty text that ended for an answer', ['chat'], async (bench) => {
    bench.play(reply('', { finishReason: 'stop' }));
    const { choices } = await chat(bench, question());
    assert.equal(choices[0]?.message.content, '');
    assert.equal(choices[0]?.finish_reason, 'stop');
  }),
  chats('tells that the model stopped by itself', ['chat'], async (bench) => {
    bench.play(reply('Done.', { finishReason: 'stop' }));
    assert.equal((await chat(bench, question())).choices[0]?.finish_reason, 'stop');
  }),
  chats('tells that the answer reached its limit', ['chat', 'says:a reached limit'], async (bench) => {
    bench.play(reply('Not don', { finishReason: 'length' }));
    assert.equal((await chat(bench, question())).choices[0]?.finish_reason, 'length');
  }),
  chats('tells that a policy ended the answer', ['chat', 'says:content filter'], async (bench) => {
    bench.play(reply('I ca', { finishReason: 'content_filter' }));
    assert.equal((await chat(bench, question())).choices[0]?.finish_reason, 'content_filter');
  }),
  chats('reports the usage that the server counted', ['chat', 'says:usage'], async (bench) => {
    bench.play(usage({ promptTokens: 31, completionTokens: 7 }));
    const { prompt_tokens, completion_tokens, total_tokens } = (await chat(bench, question())).usage ?? {};
    assert.deepEqual([prompt_tokens, completion_tokens, total_tokens], [31, 7, 38]);
  }),
  chats('reports no usage where the server counted none', ['chat', 'says:no usage'], async (bench) => {
    bench.play(usage(null));
    assert.equal((await chat(bench, question())).usage, undefined);
  }),
  chats('keeps reasoning apart from the text', ['chat', 'says:reasoning'], async (bench) => {
    bench.play(reply('Four.', { reasoning: 'Two and two.' }));
    const message = (await chat(bench, question())).choices[0]?.message;
    assert.equal(message?.content, 'Four.');
    assert.equal(message?.reasoning_content, 'Two and two.');
  }),
];

export const chatCases: readonly AdapterCase[] = [...sending, ...answers];
