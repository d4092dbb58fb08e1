import { describe, expect, test } from 'vitest';
import { createLink, type LinkOptions, type StoreLink } from '../../src/state/link.ts';
import type { StateStore, StoreConnection, SyncAsk, Synced } from '../../src/state/store.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';

type Answer = (ask: SyncAsk) => Promise<Synced> | Synced;

const nothing: Synced = { version: 1, conclusions: [], refused: [], members: 1 };

interface Linked {
  readonly clock: TestClock;
  readonly link: StoreLink;
  readonly asked: SyncAsk[];
  readonly told: string[];
  /** As the store tells that somebody has written. */
  changed(): void;
}

function linked(answer: Answer, others: Partial<StoreConnection> = {}): Linked {
  const clock = testClock();
  const asked: SyncAsk[] = [];
  const told: string[] = [];
  let listener: () => void = ignore;
  const connection: StoreConnection = {
    async sync(ask) {
      asked.push(ask);
      return answer(ask);
    },
    lease: () => Promise.resolve({ isMine: true, fence: 1 }),
    release: () => Promise.resolve(),
    take: () => Promise.resolve([]),
    add: () => Promise.resolve([]),
    onChange: (given) => void (listener = given),
    onOdd: () => undefined,
    close: () => Promise.resolve(),
    ...others,
  };
  const store: StateStore = { connect: () => connection };
  const options: LinkOptions = {
    store,
    member: 'me',
    clock,
    random: () => 0.5,
    onConclusion: ({ name, value }) => void told.push(`${name}=${value}`),
    onRefused: (name) => void told.push(`refused ${name}`),
    onUp: (awayMs) => void told.push(awayMs === undefined ? 'up' : `up after ${awayMs}`),
    onDown: (reason) => void told.push(`down: ${reason}`),
    onOdd: (message) => void told.push(message),
  };
  return { clock, link: createLink(options), asked, told, changed: () => listener() };
}

const ignore = (): void => undefined;
const never = <Value>(): Promise<Value> => new Promise(() => undefined);

describe('a link to a store', () => {
  test('writes at once what comes alone, and gathers what comes after it', async () => {
    const { clock, link, asked } = linked(() => nothing);
    await clock.advance(500);
    const before = asked.length;
    for (let change = 0; change < 50; change++) {
      link.put(`n${change % 5}`, () => ({ value: String(change), keepMs: 1 }));
      await clock.advance(10);
    }
    expect(asked[before]?.changes).toEqual([{ name: 'n0', value: '0', keepMs: 1 }]);
    expect(asked.length - before).toBeLessThanOrEqual(6);
    await clock.advance(200);
    expect(asked.at(-1)?.changes.length).toBeLessThanOrEqual(5);
    expect(asked.flatMap(({ changes }) => changes).findLast(({ name }) => name === 'n4')?.value).toBe('49');
  });

  test('says what holds when it is written, and nothing where nothing holds any more', async () => {
    const { clock, link, asked } = linked(() => nothing);
    let value: string | undefined = 'early';
    link.put('n', () => (value === undefined ? undefined : { value, keepMs: 1 }));
    link.put('gone', () => undefined);
    value = 'late';
    await clock.advance(1);
    expect(asked[0]?.changes).toEqual([{ name: 'n', value: 'late', keepMs: 1 }]);
  });

  test('asks for what is new since the last time, once a second and when it is told of a change', async () => {
    let version = 0;
    const { clock, asked, changed } = linked(() => ({ ...nothing, version: (version += 10) }));
    await clock.advance(5_000);
    expect(asked.length).toBeGreaterThanOrEqual(5);
    expect(asked.length).toBeLessThanOrEqual(8);
    expect(asked.map(({ sinceVersion }) => sinceVersion)).toEqual(asked.map((_, index) => index * 10));
    const before = asked.length;
    for (let crowd = 0; crowd < 100; crowd++) changed();
    await clock.advance(10);
    expect(asked.length - before).toBe(1);
  });

  test('writes no more often because others write', async () => {
    const { clock, link, asked, changed } = linked(() => nothing);
    await clock.advance(500);
    const before = asked.length;
    for (let change = 0; change < 100; change++) {
      link.put('n', () => ({ value: String(change), keepMs: 1 }));
      changed();
      await clock.advance(10);
    }
    const writes = asked.slice(before).filter(({ changes }) => changes.length > 0);
    expect(writes.length).toBeLessThanOrEqual(11);
    expect(asked.length - before).toBeGreaterThan(50);
  });

  test('looks again at once where it was told of a change while it looked', async () => {
    const waiting: ((synced: Synced) => void)[] = [];
    const { clock, asked, changed } = linked(() => new Promise((resolve) => waiting.push(resolve)));
    await clock.advance(1);
    changed();
    await clock.advance(20);
    waiting[0]?.(nothing);
    await clock.settle();
    expect(asked.length).toBe(1);
    await clock.advance(10);
    expect(asked.length).toBe(2);
  });

  test('does not take the word of others on what it has something newer to say of', async () => {
    let answer: ((synced: Synced) => void) | undefined;
    const { clock, link, told } = linked(() => new Promise((resolve) => (answer = resolve)));
    link.put('n', () => ({ value: 'first', keepMs: 1 }));
    await clock.advance(1);
    link.put('n', () => ({ value: 'second', keepMs: 1 }));
    answer?.({ ...nothing, conclusions: ['n', 'm'].map((name) => ({ name, value: 'theirs', version: 1, ageMs: 0 })) });
    await clock.settle();
    expect(told).toEqual(['up', 'm=theirs']);
    expect(link.isWaiting('n')).toBe(true);
  });

  test('keeps what could not be written, the newest word on each name, until it can', async () => {
    let isThere = false;
    const { clock, link, asked, told } = linked(() => (isThere ? nothing : Promise.reject(new Error('ECONNREFUSED'))));
    for (let change = 0; change < 20; change++) {
      link.put('n', () => ({ value: String(change), keepMs: 1 }));
      await clock.advance(100);
    }
    isThere = true;
    await clock.advance(300);
    expect(told).toEqual(['down: ECONNREFUSED', expect.stringMatching(/^up after \d+$/)]);
    expect(asked.at(-1)?.changes).toEqual([{ name: 'n', value: '19', keepMs: 1 }]);
    expect(link.isWaiting('n')).toBe(false);
  });

  test('forgets the oldest of very many changes that wait', async () => {
    let isThere = false;
    const { clock, link, asked } = linked(() => (isThere ? nothing : Promise.reject(new Error('ECONNREFUSED'))));
    await clock.advance(1_000);
    for (let change = 0; change < 20_000; change++) link.put(`n${change}`, () => ({ value: '', keepMs: 1 }));
    isThere = true;
    await clock.advance(400);
    const names = asked.at(-1)?.changes.map(({ name }) => name) ?? [];
    expect([names.length, names[0], names.at(-1)]).toEqual([5_000, 'n15000', 'n19999']);
  });

  test('takes a store that does not answer for gone after three times, and asks nothing of it but whether it is back', async () => {
    let leases = 0;
    let isFirst = true;
    const { clock, link, asked, told } = linked(() => (isFirst ? ((isFirst = false), nothing) : never()), {
      lease: () => ((leases += 1), never()),
    });
    await clock.advance(2_000);
    expect(told).toEqual(['up', 'down: it did not answer in time']);
    const before = asked.length;
    const answers: unknown[] = [];
    for (let ask = 0; ask < 10; ask++) void link.lease('n', 't', 1).then((answer) => answers.push(answer));
    await clock.settle();
    expect([answers, leases]).toEqual([Array(10).fill(undefined), 0]);
    await clock.advance(3_000);
    expect(asked.length - before).toBeLessThanOrEqual(13);
    expect(asked.length - before).toBeGreaterThanOrEqual(8);
  });

  test('waits no longer than 50 ms for an answer', async () => {
    const { clock, link } = linked(() => nothing, { lease: () => never(), take: () => never(), add: () => never() });
    await clock.advance(10);
    const answers: unknown[] = [];
    for (const asking of [link.lease('n', 't', 1), link.take([]), link.add([])]) void asking.then((answer) => answers.push(answer));
    await clock.advance(49);
    expect(answers).toEqual([]);
    await clock.advance(1);
    expect(answers).toEqual([undefined, undefined, undefined]);
  });

  test('gives the first look at a full store more time', async () => {
    const { clock, told } = linked(async ({ sinceVersion }) => {
      if (sinceVersion === 0) await new Promise<void>((resolve) => clock.schedule(900, resolve));
      return nothing;
    });
    await clock.advance(2_000);
    expect(told).toEqual(['up']);
  });

  test('gives no later look more time, also at a store that nobody has written to', async () => {
    const { clock, asked, told } = linked(({ sinceVersion }) => (asked.length === 1 ? { ...nothing, version: sinceVersion } : never()));
    await clock.advance(900);
    expect([asked.length, told]).toEqual([2, ['up']]);
    // 50 ms for the answer, and 100 until the next look.
    await clock.advance(149);
    expect(asked.length).toBe(2);
    await clock.advance(1);
    expect(asked.map(({ sinceVersion }) => sinceVersion)).toEqual([0, 0, 0]);
    await clock.advance(200);
    expect(told).toEqual(['up', 'down: it did not answer in time']);
  });

  test('lets a busy loop read an answer that is there', async () => {
    const clock = testClock();
    let lateMs = 0;
    const busy = { ...clock, nowMs: () => clock.nowMs() + lateMs };
    const connection = linked(() => nothing, {});
    expect(connection.link.isUp).toBe(false);
    let answer: ((given: { isMine: true; fence: number }) => void) | undefined;
    const slow: StoreConnection = {
      sync: () => Promise.resolve(nothing),
      lease: () => new Promise((resolve) => (answer = resolve)),
      release: () => Promise.resolve(),
      take: never,
      add: never,
      onChange: () => undefined,
      onOdd: () => undefined,
      close: () => Promise.resolve(),
    };
    const listeners = { onConclusion: ignore, onRefused: ignore, onUp: ignore, onDown: ignore, onOdd: ignore };
    const link = createLink({ store: { connect: () => slow }, member: 'me', clock: busy, random: () => 0.5, ...listeners });
    const asked = link.lease('n', 't', 1);
    // The loop stood still for a second: the timer fires before the answer is read.
    lateMs = 1_000;
    await clock.advance(50);
    answer?.({ isMine: true, fence: 7 });
    expect(await asked).toEqual({ isMine: true, fence: 7 });
  });

  test('writes what waits when it is closed, and is silent from then on', async () => {
    const { clock, link, asked, told, changed } = linked(() => nothing);
    await clock.advance(20);
    link.put('n', () => ({ value: 'a', keepMs: 1 }));
    await clock.advance(1);
    link.put('n', () => ({ value: 'b', keepMs: 1 }));
    const closed = link.close();
    await clock.advance(1_000);
    await closed;
    expect(asked.at(-1)?.changes).toEqual([{ name: 'n', value: 'b', keepMs: 1 }]);
    const before = asked.length;
    changed();
    await clock.advance(10_000);
    expect([asked.length - before, clock.timers(), told]).toEqual([0, 0, ['up']]);
  });

  test('that cannot be closed is left behind', async () => {
    const { clock, link } = linked(() => nothing, { close: never });
    await clock.advance(20);
    const closed = link.close();
    await clock.advance(1_000);
    await expect(closed).resolves.toBeUndefined();
  });
});
