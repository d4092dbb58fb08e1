import type { Clock } from '../lib/clock.ts';
import { parseJsonWithin } from '../lib/json.ts';
import { between, checkedSum, checkedTake, longestKeepMs, longestLeaseMs, oddities, textOf } from './bounds.ts';
import { createListeners } from './listeners.ts';
import { type Ask, createAsk } from './redis-ask.ts';
import { keepConnected, type RedisClient } from './redis-client.ts';
import { faultWord, storeFault } from './redis-faults.ts';
import { hashOf, type Keys } from './redis-keys.ts';
import { addScript, leaseScript, releaseScript, syncScript, takeScript } from './redis-scripts.ts';
import { type Change, type Conclusion, longestValue, type StoreConnection, type SyncAsk, type Synced } from './store.ts';

export interface RedisConnectionOptions {
  readonly keys: Keys;
  /** The user's own client, which is neither connected nor closed here; undefined where `create` makes one. */
  readonly client: RedisClient | undefined;
  /** Another client for the same server. */
  create(): RedisClient;
  readonly clock: Clock;
  readonly random: () => number;
}

export function redisConnection(options: RedisConnectionOptions): StoreConnection {
  const { keys } = options;
  const { onChange, onOdd, changed, odd } = createListeners();
  let self: string | undefined;
  const hear = (writer: string): void => void (writer === self || changed());
  const { ask, close } = openAsk(options, (client) => subscribe(client, keys.channel, hear, odd), changed);
  return {
    async sync(asked) {
      self = hashOf(asked.member);
      const { synced, said } = await sync(ask, keys, self, asked);
      said.forEach(odd);
      return synced;
    },
    async lease({ name, token, forMs }) {
      const [isMine, figure] = await ask(leaseScript, [keys.lease(name)], [hashOf(token), Math.floor(between(forMs, 0, longestLeaseMs))]);
      return Number(isMine) === 1 ? { isMine: true, fence: Number(figure) } : { isMine: false, leftMs: Number(figure) };
    },
    async release(name, token) {
      await ask(releaseScript, [keys.lease(name)], [hashOf(token)]);
    },
    async take(asks) {
      const checked = asks.map(checkedTake);
      const names = checked.map(({ name }) => keys.allowance(name));
      const answers = await ask(
        takeScript,
        names,
        checked.flatMap(({ perMinute, most, wanted, least }) => [perMinute, most, wanted, least]),
      );
      return pairs(answers).map(([given, waitMs]) => ({ given, waitMs: waitMs < 0 ? Infinity : waitMs }));
    },
    async add(asks) {
      const checked = asks.map(checkedSum);
      const names = checked.map(({ name, windowMs }) => keys.sum(name, windowMs));
      const answers = await ask(
        addScript,
        names,
        checked.flatMap(({ windowMs, amount }) => [windowMs, amount]),
      );
      return pairs(answers).map(([total, leftMs]) => ({ total, leftMs }));
    },
    onChange,
    onOdd,
    async close() {
      close();
    },
  };
}

/** The connection for questions, and a second one for messages, which is made anew with each of the first kind. */
function openAsk(
  { client, create, clock, random }: RedisConnectionOptions,
  prepare: (client: RedisClient) => Promise<void>,
  changed: () => void,
): { readonly ask: Ask; readonly close: () => void } {
  let isClosed = false;
  let isFirst = true;
  const messages = keepConnected({
    create,
    async prepare(fresh) {
      await prepare(fresh);
      // What was said while nobody listened is not said again.
      if (!isFirst) changed();
      isFirst = false;
    },
    clock,
    random,
  });
  const questions = keepConnected({
    create,
    async prepare() {
      messages.open();
      // Whoever found nobody there looks again at once.
      changed();
    },
    clock,
    random,
  });
  (client === undefined ? questions : messages).open();
  const theirs = (): RedisClient | undefined => (client?.isOpen === true && client.isReady !== false ? client : undefined);
  const ask = createAsk({
    ready: () => (isClosed ? undefined : client === undefined ? questions.ready() : theirs()),
    fault: () => (isClosed ? 'CLOSED' : questions.fault()),
    onUnanswered: () => void (client === undefined && questions.drop('ETIMEDOUT')),
    clock,
  });
  const close = (): void => {
    isClosed = true;
    questions.close();
    messages.close();
  };
  return { ask, close };
}

async function subscribe(
  client: RedisClient,
  channel: string,
  hear: (message: string) => void,
  odd: (message: string) => void,
): Promise<void> {
  try {
    await client.subscribe(channel, hear);
  } catch (error) {
    if (faultWord(error) !== 'NOPERM') throw error;
    odd(oddities.deaf);
  }
}

async function sync(ask: Ask, keys: Keys, self: string, asked: SyncAsk): Promise<{ synced: Synced; said: readonly string[] }> {
  const { changes, sinceVersion } = asked;
  const written = changes.flatMap((change) => {
    const text = textOf(change);
    return text === undefined ? [] : [{ change, text }];
  });
  const answer = await ask(
    syncScript,
    [keys.values, keys.versions, keys.ends, keys.members, keys.newest, ...written.map(({ change }) => keys.lease(change.name))],
    [self, keys.channel, between(sinceVersion, 0, Infinity), ...written.flatMap(({ change, text }) => valuesOf(change, text))],
  );
  const [version, members, tooLong, notOurs, refused, found] = answer;
  const read = conclusionsOf(found);
  const said = [
    ...(written.length < changes.length ? [oddities.notWritten] : []),
    ...(Number(tooLong) > 0 || read.isTooLong ? [oddities.tooLong] : []),
    ...(Number(notOurs) > 0 || read.isOdd ? [oddities.notOurs] : []),
  ];
  const namesRefused = listOf(refused).flatMap((place) => written[Number(place)]?.change.name ?? []);
  return {
    synced: { version: Number(version), conclusions: read.conclusions, refused: namesRefused, members: Number(members) },
    said,
  };
}

function valuesOf({ name, keepMs, fence }: Change, text: string): readonly (string | number)[] {
  const keep = Math.floor(between(keepMs, 0, longestKeepMs));
  return [hashOf(name), keep, fence === undefined ? '' : between(fence, 0, Infinity), text];
}

interface Read {
  readonly conclusions: Conclusion[];
  isTooLong: boolean;
  isOdd: boolean;
}

/** Threes of version, age and text. What stands in the texts is anybody's. */
function conclusionsOf(found: unknown): Read {
  const read: Read = { conclusions: [], isTooLong: false, isOdd: false };
  const list = listOf(found).map(String);
  for (let place = 0; place + 2 < list.length; place += 3) {
    const [version, ageMs, text = ''] = list.slice(place, place + 3);
    const [name, value] = listOf(parseJsonWithin(text));
    if (typeof name !== 'string' || typeof value !== 'string') read.isOdd = true;
    else if (value.length > longestValue) read.isTooLong = true;
    else read.conclusions.push({ name, value, version: Number(version), ageMs: Number(ageMs) });
  }
  return read;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function pairs(answers: readonly unknown[]): (readonly [number, number])[] {
  const figures = answers.map(Number);
  if (figures.some(Number.isNaN)) throw storeFault('ERR', 'The shared store has not answered with numbers.');
  return figures.flatMap((figure, place) => (place % 2 === 0 ? [[figure, figures[place + 1] ?? 0] as const] : []));
}
