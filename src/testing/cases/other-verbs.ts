import assert from 'node:assert/strict';
import type { LoadReport } from '../../index.ts';
import { stallBeforeHeaders } from '../script.ts';
import { neverAborts, question } from './calls.ts';
import { type AdapterCase, type Bench, inGroup } from './case.ts';
import { chat, failureOf, hasCode, soon, until } from './reading.ts';

const others = inGroup('other verbs');

const reason = Object.freeze({ why: 'The caller has changed its mind.' });

async function lists(bench: Bench, ids: readonly string[]): Promise<void> {
  bench.play({ models: ids.map((id) => ({ id })) });
  assert.ok(bench.adapter.models);
  const models = await soon(bench.adapter.models(neverAborts()), 'the list comes');
  assert.deepEqual(models.map(({ id }) => id).toSorted(), ids.toSorted());
}

async function loadOf({ adapter }: Bench): Promise<LoadReport> {
  assert.ok(adapter.load);
  return soon(adapter.load(neverAborts()), 'the report comes');
}

export const otherVerbCases: readonly AdapterCase[] = [
  others('lists the model of the server', ['models'], async (bench) => {
    await lists(bench, ['only-model']);
  }),
  others('lists every model of the server', ['models', 'says:several models'], async (bench) => {
    await lists(bench, ['first-model', 'second/model:latest']);
  }),
  others('fails to list the models of a server that is gone', ['models'], async (bench) => {
    await bench.backend.close();
    hasCode(await failureOf(soon(bench.adapter.models?.(neverAborts()) ?? Promise.resolve([]), 'the list fails')), 'unavailable');
  }),
  others('is healthy where the server answers', ['health'], async (bench) => {
    const report = await soon(bench.adapter.health?.(neverAborts()) ?? Promise.reject(new Error('no health')), 'the report comes');
    assert.equal(report.state, 'ok');
    assert.notEqual(report.version, '', 'A version that is not known is left out.');
  }),
  others('costs nothing to ask for health, load and models', [], async (bench) => {
    const before = bench.backend.calls.length;
    await bench.adapter.health?.(neverAborts());
    await bench.adapter.load?.(neverAborts());
    await bench.adapter.models?.(neverAborts());
    assert.equal(bench.backend.calls.length, before, 'No answer is asked of a model.');
  }),
  others("ends a question for health with the caller's reason", ['health'], async (bench) => {
    const asked = bench.adapter.health?.(AbortSignal.abort(reason)) ?? Promise.resolve();
    assert.equal(
      await asked.then(
        () => undefined,
        (error: unknown) => error,
      ),
      reason,
    );
  }),
  others('tells which models are loaded, and how much of each lies in GPU memory', ['load', 'says:resident models'], async (bench) => {
    const loaded = { id: 'a-loaded-model', sizeBytes: 8_000, contextLength: 4_096 };
    bench.play({ models: [loaded, { id: 'one-that-is-not' }] }, { resident: [{ ...loaded, vramBytes: 6_000 }] });
    const { resident = [] } = await loadOf(bench);
    assert.deepEqual(
      resident.map(({ id }) => id),
      ['a-loaded-model'],
    );
    // Servers that tell no sizes leave them out; they do not invent them.
    const [{ sizeBytes = 8_000, vramBytes = 6_000 } = {}] = resident;
    assert.deepEqual([sizeBytes, vramBytes], [8_000, 6_000]);
  }),
  others('tells how many calls are under way', ['chat', 'load', 'says:running calls'], async (bench) => {
    bench.play(stallBeforeHeaders());
    const controller = new AbortController();
    const calls = [1, 2].map(() => chat(bench, question(), controller.signal).catch(() => undefined));
    await until(() => bench.calls.length === 2, 'both calls arrive');
    const { running } = await loadOf(bench);
    controller.abort();
    await Promise.all(calls);
    assert.equal(running, 2);
  }),
];
