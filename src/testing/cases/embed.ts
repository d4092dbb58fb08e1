import assert from 'node:assert/strict';
import { embed as vectors, status, usage } from '../script.ts';
import { sentIn, wasNotSent, wasSent } from './calls.ts';
import { type AdapterCase, inGroup } from './case.ts';
import { embed, failureOf, hasCode } from './reading.ts';

const embeds = inGroup('embed');

const many = Array.from({ length: 70 }, (_, at) => `text number ${at} of many`);

export const embedCases: readonly AdapterCase[] = [
  embeds('gives one vector for one text', ['embed'], async (bench) => {
    bench.play(vectors([[0.5, -0.25, 1]]));
    const { object, data, model } = await embed(bench, { input: 'A text' });
    assert.deepEqual({ object, data }, { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25, 1] }] });
    assert.equal(typeof model, 'string');
    wasSent(sentIn(bench.calls[0]), 'A text');
  }),
  embeds('gives one vector for each text, in order', ['embed'], async (bench) => {
    bench.play(
      vectors([
        [1, 0],
        [0, 1],
        [0.5, 0.5],
      ]),
    );
    const { data } = await embed(bench, { input: ['first', 'second', 'third'] });
    assert.deepEqual(
      data.map(({ index, embedding }) => [index, ...embedding]),
      [
        [0, 1, 0],
        [1, 0, 1],
        [2, 0.5, 0.5],
      ],
    );
    assert.match(sentIn(bench.calls[0]), /first.*second.*third/);
  }),
  embeds('gives no vector for no text', ['embed'], async (bench) => {
    bench.play(vectors(4));
    assert.deepEqual((await embed(bench, { input: [] })).data, []);
  }),
  embeds('keeps the order of seventy texts, in however many calls', ['embed'], async (bench) => {
    bench.play(vectors(16));
    const { data } = await embed(bench, { input: many });
    assert.deepEqual(
      data.map(({ index }) => index),
      many.map((_, at) => at),
    );
    for (const at of [0, 1, 33, 64, 69]) {
      const alone = await embed(bench, { input: [many[at] ?? ''] });
      assert.deepEqual(data[at]?.embedding, alone.data[0]?.embedding, `Vector ${at} belongs to its text.`);
    }
  }),
  embeds('names the model by the name of the server', ['embed', 'model name'], async (bench) => {
    bench.play(vectors(4));
    await embed(bench, { model: 'alias-of-the-caller', input: 'A text' });
    assert.equal(bench.calls[0]?.model, bench.model);
    wasNotSent(sentIn(bench.calls[0]), 'alias-of-the-caller');
  }),
  embeds('sends the extra fields of an embedding, its own and no others', ['embed'], async (bench) => {
    const { name } = bench.adapter;
    const other = name === 'ollama' ? 'vllm' : 'ollama';
    bench.play(vectors(4));
    await embed(bench, { input: 'A text', extra: { [name]: { own_field: 'own-canary' }, [other]: { foreign_field: 'foreign-canary' } } });
    assert.ok(sentIn(bench.calls[0]).includes('"own_field":"own-canary"'), 'Its own field is sent.');
    assert.ok(!sentIn(bench.calls[0]).includes('foreign'), 'No other field is sent.');
  }),
  embeds('sends how long the vectors must be', ['embed', 'dimensions'], async (bench) => {
    bench.play(vectors(37));
    const { data } = await embed(bench, { input: ['A text', 'another'], dimensions: 37 });
    assert.match(sentIn(bench.calls[0]), /\b37\b/);
    assert.deepEqual(
      data.map(({ embedding }) => embedding.length),
      [37, 37],
    );
  }),
  embeds('reports the tokens that the server counted', ['embed', 'says:usage of embeddings'], async (bench) => {
    bench.play(usage({ promptTokens: 31, completionTokens: 0 }, vectors(4)));
    const { prompt_tokens, total_tokens } = (await embed(bench, { input: 'A text' })).usage ?? {};
    assert.deepEqual([prompt_tokens, total_tokens], [31, 31]);
  }),
  embeds('invents no tokens', ['embed'], async (bench) => {
    bench.play(usage(null, vectors(4)));
    assert.equal((await embed(bench, { input: 'A text' })).usage, undefined);
  }),
  embeds('refuses an answer with fewer vectors than texts', ['embed'], async (bench) => {
    bench.play(vectors([[1, 0]]));
    hasCode(await failureOf(embed(bench, { input: ['first', 'second'] })), 'bad_response');
  }),
  embeds('refuses an answer with more vectors than texts', ['embed'], async (bench) => {
    bench.play(
      vectors([
        [1, 0],
        [0, 1],
      ]),
    );
    hasCode(await failureOf(embed(bench, { input: ['only'] })), 'bad_response');
  }),
  embeds('refuses a vector with what is no number', ['embed'], async (bench) => {
    bench.play(vectors([[1, NaN, 0]]));
    hasCode(await failureOf(embed(bench, { input: 'A text' })), 'bad_response');
  }),
  embeds('refuses vectors of different lengths', ['embed'], async (bench) => {
    bench.play(
      vectors([
        [1, 0],
        [1, 0, 0],
      ]),
    );
    hasCode(await failureOf(embed(bench, { input: ['first', 'second'] })), 'bad_response');
  }),
  embeds('does not take the failure of a later part for an answer', ['embed'], async (bench) => {
    bench.play(status(500));
    hasCode(await failureOf(embed(bench, { input: many })), 'unavailable');
  }),
];
