import { SpanStatusCode } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect } from '../../src/router/chat-stream.ts';
import { runProgram } from '../_kit/child-program.ts';
import { fault, pieces } from '../_kit/fake-adapter.ts';
import { failureOf, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { setUp, tearDown, tracedFake, tree } from './otel-kit.ts';

beforeAll(setUp);
afterAll(tearDown);

const from = (path: string): string => new URL(path, import.meta.url).href;
const cut = fault('unavailable', { reason: 'ECONNRESET' });

test('the span of a stream lasts until its end, and not until its beginning', async () => {
  const { router, clock, spans, open } = tracedFake({ gpu: pieces(50, 'one', 100, 'two') });
  const stream = await clock.run(router.stream(hello));
  expect(spans()).toEqual([]);
  expect(open()).toBe(2);
  expect((await clock.run(readAll(stream))).text).toBe('onetwo');
  expect(tree(spans())).toEqual(['chat m: answered', '  attempt gpu: ok']);
  expect(spans()[0]?.attributes['inferlane.first_content_ms']).toBe(50);
  expect(spans()[1]?.attributes['gen_ai.response.time_to_first_chunk']).toBe(0.05);
});

test('a traced stream is the stream that it was: its route, its one reading, its collecting', async () => {
  const { router, plain } = tracedFake({ gpu: pieces('one', ['two', 'three']) });
  const stream = await router.stream(hello);
  const bare = await plain.stream(hello);
  const whole = await collect(stream);
  const { requestId: _id, ...route } = whole.route;
  expect(whole).toEqual({ ...(await collect(bare)), route: { ...route, requestId: whole.route.requestId } });
  expect(stream.route).toBe(whole.route);
  expect(() => stream[Symbol.asyncIterator]()).toThrow('read once');
});

test('pieces that are asked for at once come in order', async () => {
  const { router, clock } = tracedFake({ gpu: pieces('a', 10, 'b', 10, 'c') });
  const iterator = (await clock.run(router.stream(hello)))[Symbol.asyncIterator]();
  const asked = [iterator.next(), iterator.next(), iterator.next(), iterator.next()];
  const got = await clock.run(Promise.all(asked));
  expect(got.map(({ value }) => value?.choices[0]?.delta.content)).toEqual(['a', 'b', 'c', undefined]);
});

describe('a stream that is not read to its end', () => {
  test('and left by a break is no error', async () => {
    const { router, spans, open } = tracedFake({ gpu: pieces('one', 'two', 'three') });
    for await (const _chunk of await router.stream(hello)) break;
    expect(tree(spans())).toEqual(['chat m: abandoned', '  attempt gpu: ok']);
    expect(spans().map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
    expect(open()).toBe(0);
  });

  test('and never begun is ended by its deadline', async () => {
    const { router, clock, spans } = tracedFake({ gpu: pieces('one', 'hang') });
    await router.stream(hello, { deadlineMs: 1_000 });
    expect(spans()).toEqual([]);
    await clock.advance(1_000);
    expect(tree(spans())).toEqual(['chat m: stream_interrupted', '  attempt gpu: timeout']);
  });

  test('and aborted is no error', async () => {
    const { router, spans } = tracedFake({ gpu: pieces('one', 'hang') });
    const abort = new AbortController();
    const stream = await router.stream(hello, { signal: abort.signal });
    const read = outcomeOf(readAll(stream));
    abort.abort();
    await new Promise(setImmediate);
    expect(read.value).toMatchObject({ text: 'one', failure: abort.signal.reason });
    expect(tree(spans())).toEqual(['chat m: aborted', '  attempt gpu: aborted']);
  });

  test('and stopped by the router’s end is told as that', async () => {
    const { router, clock, spans, open } = tracedFake({ gpu: pieces('one', 'hang') });
    await router.stream(hello);
    await clock.run(router.close({ drainMs: 10 }));
    expect(tree(spans())).toEqual(['chat m: closed', '  attempt gpu: closed']);
    expect(open()).toBe(0);
  });

  test('and dropped ends with the collection of its garbage', { timeout: 60_000 }, async () => {
    const told = await runProgram(`
      import { setFlagsFromString } from 'node:v8';
      import { runInNewContext } from 'node:vm';
      import { setTimeout as sleep } from 'node:timers/promises';
      import { pieces } from '${from('../_kit/fake-adapter.ts')}';
      import { hello } from '${from('../_kit/fake-router.ts')}';
      import { tracedFake, tree } from '${from('./otel-kit.ts')}';
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc');
      const { router, spans, open } = tracedFake({ gpu: pieces('one', 'two', 'three') }, {}, { captureContent: true });
      const drop = async (): Promise<void> => {
        const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
        await iterator.next();
      };
      await drop();
      for (let round = 0; round < 200 && open() > 0; round++) { gc(); await sleep(10); }
      console.log(JSON.stringify(tree(spans())));`);
    expect(JSON.stringify(told)).toContain('chat m: abandoned');
  });
});

describe('a stream that breaks', () => {
  test('before its first content moves on within its span', async () => {
    const { router, spans } = tracedFake({ gpu: fault('out_of_memory'), cpu: pieces('Hi!') });
    await readAll(await router.stream(hello));
    expect(tree(spans())).toEqual(['chat m: answered', '  attempt gpu: out_of_memory', '  attempt cpu: ok']);
  });

  test('after it ends with an error and says that it was interrupted', async () => {
    const { router, spans, span } = tracedFake({ gpu: pieces('one', cut) });
    expect((await readAll(await router.stream(hello))).failure).toMatchObject({ code: 'stream_interrupted' });
    expect(tree(spans())).toEqual(['chat m: stream_interrupted', '  attempt gpu: unavailable']);
    expect(span('chat m').events).toMatchObject([
      { name: 'inferlane.stream.interrupted', attributes: { 'inferlane.provider': 'gpu', 'error.type': 'stream_interrupted' } },
    ]);
  });

  test('and begins anew elsewhere goes on in the same span', async () => {
    const { router, spans, span } = tracedFake({ gpu: pieces('one', cut), cpu: pieces('uno', 'due') }, { onStreamFailure: 'restart' });
    await readAll(await router.stream(hello));
    expect(tree(spans())).toEqual(['chat m: answered', '  attempt gpu: unavailable', '  attempt cpu: ok']);
    const { events, attributes } = span('chat m');
    expect(events.map(({ name }) => name)).toEqual(['inferlane.stream.interrupted', 'inferlane.failover', 'inferlane.stream.reset']);
    expect(attributes).toMatchObject({ 'inferlane.provider': 'cpu', 'inferlane.attempts': 2 });
  });

  test('while nobody could answer at all ends with the error of the call', async () => {
    const { router, spans } = tracedFake({ gpu: fault('bad_request') });
    await failureOf(router.stream(hello));
    expect(tree(spans())).toEqual(['chat m: bad_request', '  attempt gpu: bad_request']);
  });
});
