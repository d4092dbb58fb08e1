import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { machineMs } from './machine-time.ts';
import type { LoadReport } from './member-program.ts';
import { countOf } from './oracle.ts';
import { type Member, type Stage, until, untilHeard } from './stage.ts';

export interface HostileShown {
  readonly attacks: number;
  readonly loads: readonly LoadReport[];
  /** Members that believed that a breaker is open for longer than their own configuration allows. */
  readonly overlong: number;
  /** Members that had told others nothing, or heard nothing from them, a while after the last attack. */
  readonly deaf: number;
  /** Members that never said anything of what they found. */
  readonly silent: number;
}

type Client = ReturnType<typeof clientOf>;
type Attack = (client: Client, keys: readonly string[], bytes: number) => Promise<unknown>;

/** The most that a breaker of a member may stay open. */
const maxOpenMs = 1_600;

const nasty = [
  '',
  'null',
  '[]',
  '{"__proto__":{"is":"open"}}',
  '["\\u0000","\\ud800"]',
  '9'.repeat(400),
  `${'['.repeat(20_000)}`,
  '1e999',
  '-1',
] as const;

/** Values of the kind that the key has, but not of ours; of another kind; far too large; from the future; and the lie that is hardest to tell. */
const attacks: readonly Attack[] = [
  (client, keys) => each(keys, async (key) => nasty.map((text, place) => overwrite(client, key, text, place))),
  (client, keys) => each(keys, async (key) => [client.del(key).then(() => client.set(key, 'not of this kind'))]),
  (client, keys, bytes) => each(keys, async (key) => [overwrite(client, key, 'x'.repeat(bytes), 1)]),
  (client, keys) => each(keys, async (key) => [future(client, key)]),
  (client, keys) => each(keys, async (key) => [lie(client, key)]),
];

/** Somebody else writes into every key while calls are made, over and over; then all keys are removed. */
export async function playHostile(stage: Stage, rounds: number, bytes: number): Promise<HostileShown> {
  const { members, redis } = stage;
  await redis.reset();
  await stage.open();
  const client = await clientOf(redis.port).connect();
  let overlong = 0;
  let played = 0;
  await stage.all((member) => member.load(20));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const attack of attacks) {
        // Something to be kept there, and to be spoilt.
        await redis.command('FLUSHALL');
        await untilBack(stage);
        await stage.all((member) => member.closeCircuit());
        await stage.be('failing');
        await sleep(600);
        await attack(client, await client.keys('*'), bytes);
        played += 1;
        // Whoever is not told reads by itself within a second.
        await sleep(1_100);
        overlong += await overlongIn(stage);
        await stage.be('well');
      }
    }
  } finally {
    client.destroy();
  }
  const loads = await stage.all((member) => member.rest());
  await redis.command('FLUSHALL');
  await untilBack(stage);
  await stage.all((member) => member.closeCircuit());
  await sleep(1_000);
  const deaf = await deafOf(stage);
  const silent = members.filter((member) => countOf(member, 'config:warning', 0) + countOf(member, 'state:degraded', 0) === 0).length;
  return { attacks: played, loads, overlong, deaf, silent };
}

async function each(keys: readonly string[], work: (key: string) => Promise<readonly Promise<unknown>[]>): Promise<void> {
  // One command has the wrong kind for one key and the right one for another.
  for (const key of keys) await Promise.allSettled(await work(key));
}

/** Whatever kind the key is of, the others are refused. */
async function overwrite(client: Client, key: string, text: string, place: number): Promise<void> {
  const fields = await client.hKeys(key).catch(() => []);
  await Promise.allSettled([
    ...fields.map((field) => client.hSet(key, field, text)),
    client.hSet(key, `field-${place}`, text),
    client.zAdd(key, { score: 1e15 - place, value: text.slice(0, 1_000) }),
    client.type(key).then((type) => (type === 'string' ? client.set(key, text) : undefined)),
  ]);
}

async function future(client: Client, key: string): Promise<void> {
  const members = await client.zRange(key, 0, -1).catch(() => []);
  await Promise.allSettled([
    ...members.map((value) => client.zAdd(key, { score: 7e15, value })),
    client.hSet(key, { ends: '9e15', fence: '8e14', token: 'somebody' }),
    client.type(key).then((type) => (type === 'string' ? client.set(key, '7e15') : undefined)),
  ]);
}

/** A conclusion of a member, word by word, but for a thousand years, and as new as can be. */
async function lie(client: Client, key: string): Promise<void> {
  const fields = await client.hGetAll(key).catch(() => ({}));
  for (const [field, value] of Object.entries(fields)) {
    const longer = String(value)
      .replaceAll(/\\"forMs\\":[\d.e]+/g, '\\"forMs\\":3e13')
      .replaceAll(/\\"is\\":\\"closed\\"/g, '\\"is\\":\\"open\\"');
    await client.hSet(key, field, longer);
    await client.zAdd(key.replace(/values$/, 'versions'), { score: 7.5e15 + machineMs(), value: field }).catch(() => undefined);
  }
  // All read it at once, before a member says something else.
  await client.publish(key.replace(/values$/, 'changes'), 'somebody');
}

async function overlongIn({ all }: Stage): Promise<number> {
  const snapshots = await all((member) => member.snapshot());
  return snapshots.filter(({ nowMs, providers }) =>
    providers.some(({ openUntilMs, models }) =>
      [openUntilMs, ...models.map((model) => model.openUntilMs)].some((untilMs) => untilMs !== undefined && untilMs - nowMs > maxOpenMs),
    ),
  ).length;
}

function untilBack({ all, members }: Stage): Promise<boolean> {
  return until(async () => {
    await all((member) => member.listen());
    return members.every(hasStore);
  }, 5_000);
}

function hasStore({ heard }: Member): boolean {
  return heard.findLast(({ name }) => name.startsWith('state:'))?.name !== 'state:degraded';
}

/** One finds that `main` fails: who has not heard of it? */
async function deafOf(stage: Stage): Promise<number> {
  const { members } = stage;
  await stage.be('failing');
  const struckMs = machineMs();
  await (members[0] as Member).strike();
  await untilHeard(members, 'breaker:open', struckMs, 3_000);
  await stage.be('well');
  return members.filter((member) => countOf(member, 'breaker:open', struckMs) === 0).length;
}

function clientOf(port: number) {
  return createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, RESP: 2 }).on('error', () => undefined);
}
