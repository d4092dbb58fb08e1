import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { KeyValueStore } from '../../src/core/key-value-store.ts';
import { collect } from '../../src/router/chat-stream.ts';
import { outcomeOf } from '../_kit/fake-router.ts';
import { describeWithRedis } from '../_kit/redis-server.ts';
import { question, scene, type Scene, settled, until } from './kept-kit.ts';

/** A chat, then the same once more as a chat and as a stream: whether those came from what was kept. */
async function askedAgain(made: Scene, isKept: () => Promise<boolean>): Promise<boolean[]> {
  const { route: _first, ...kept } = await made.router.chat(question);
  while (!(await isKept())) await new Promise(setImmediate);
  const again = [await made.router.chat(question), await collect(await made.router.stream(question))];
  return again.map(({ route, ...answer }) => {
    expect(answer).toEqual(kept);
    return route.cached;
  });
}

describe('keyv', () => {
  test('goes in as it is', async () => {
    expectTypeOf<Keyv>().toExtend<KeyValueStore>();
    const store = new Keyv();
    const made = scene({ cache: { store } });
    const { set } = store;
    let isWritten = false;
    store.set = async (...all) => (await set.apply(store, all), (isWritten = true));
    expect(await askedAgain(made, async () => isWritten)).toEqual([true, true]);
  });
});

describeWithRedis('keyv over Redis', (redis) => {
  test('keeps answers for other processes, with a time to live', async () => {
    const client = new KeyvRedis(redis().url);
    const made = scene({ cache: { store: new Keyv({ store: client }), timeoutMs: 5_000 } });
    const keys = async (): Promise<string[]> => (await redis().command('KEYS', '*')) as string[];
    expect(await askedAgain(made, async () => (await keys()).length === 1)).toEqual([true, true]);
    const [key = ''] = await keys();
    expect(key).toMatch(/inferlane:answer:1:[0-9a-f]{64}$/);
    expect(Number(await redis().command('PTTL', key))).toBeGreaterThan(3_000_000);
    const other = scene({ cache: { store: new Keyv({ store: new KeyvRedis(redis().url) }), timeoutMs: 5_000 } });
    expect((await other.router.chat(question)).route.cached).toBe(true);
    await client.disconnect(true);
  });

  test('that is stopped, and then gone, fails no call', async () => {
    const client = new KeyvRedis(redis().url);
    const store = new Keyv({ store: client });
    store.on('error', () => undefined);
    const made = scene({ cache: { store } });
    redis().pause();
    const asking = outcomeOf(made.router.chat(question));
    await until(() => made.clock.timers() > 1);
    await made.clock.advance(50);
    await until(() => asking.settled);
    expect(asking.value?.choices[0].message.content).toBe('answer 1');
    redis().resume();
    await redis().kill();
    for (let call = 2; call < 6; call++) {
      const next = outcomeOf(made.router.chat(question));
      while (!next.settled) await made.clock.advance(10);
      expect(next.value?.choices[0].message.content).toBe(`answer ${call}`);
    }
    expect(made.events.of('config:warning')).toEqual([
      { path: 'cache.store', message: 'fails, or does not answer within 50 ms: calls go on without it' },
    ]);
    await redis().start();
    await client.disconnect(true);
  });
});

describe('a store that gives what was never kept', () => {
  const odd: unknown[] = [
    '',
    'null',
    '{}',
    '[]',
    7,
    null,
    { answer: 1 },
    new Map(),
    Symbol('x'),
    '{"key":"k","answer":{}}',
    'x'.repeat(2_000_000),
  ];

  test.each(odd.map((value) => [value]))('is as good as none: %s', async (value) => {
    const made = scene({ cache: { store: { get: () => value, set: () => undefined } } });
    const { choices, route } = await made.router.chat(question);
    expect([choices[0].message.content, route.cached]).toEqual(['answer 1', false]);
  });

  test('an answer of another request is none of this one', async () => {
    const made = scene();
    await made.router.chat(question);
    await settled(made);
    const [value] = made.store.values();
    const other = scene({ cache: { store: { get: () => value, set: () => undefined } } });
    expect((await other.router.chat({ ...question, seed: 1 })).route.cached).toBe(false);
    expect((await other.router.chat(question)).route.cached).toBe(true);
  });

  test.each<[string, (entry: { answer: { choices: { message: { content: unknown } }[] } }) => void]>([
    ['text that is none', ({ answer }) => void (answer.choices[0] = { message: { content: 7 } })],
    ['no choice', ({ answer }) => void answer.choices.pop()],
    ['a stand-in', ({ answer }) => void Object.assign(answer, { degraded: true })],
    ['a version of its own', (entry) => void Object.assign(entry, { key: 'inferlane:answer:0:abc' })],
  ])('an entry with %s is none', async (_what, spoil) => {
    const made = scene();
    await made.router.chat(question);
    await settled(made);
    for (const [key, value] of made.store) {
      const entry = JSON.parse(String(value)) as Parameters<typeof spoil>[0];
      spoil(entry);
      made.store.set(key, JSON.stringify(entry));
    }
    expect((await made.router.chat(question)).route.cached).toBe(false);
  });
});

test('a router that closes does not wait for a store that hangs', async () => {
  const made = scene({ cache: { store: { get: () => undefined, set: () => new Promise(() => undefined) } } });
  await made.router.chat(question);
  await settled(made);
  const closing = outcomeOf(made.router.close());
  await made.clock.settle();
  expect(closing.settled).toBe(true);
});
