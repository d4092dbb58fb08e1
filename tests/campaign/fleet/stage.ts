import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouterSnapshot } from '../../../src/index.ts';
import { type RedisServer, startRedis } from '../../_kit/redis-server.ts';
import { type ToxicProxy, toxicProxy } from '../../_kit/toxic-proxy.ts';
import { type Program, startProgram } from '../_kit/program.ts';
import type { BackendQuestion, BackendReply, Doing, Visit } from './backend-program.ts';
import { machineMs } from './machine-time.ts';
import type { Announced, Calls, LoadReport, MemberOptions, MemberQuestion, MemberReply } from './member-program.ts';
import type { StormKind, StormReport } from './member-storm.ts';

/** One process of the fleet, seen from outside, and its own way to the store. */
export interface Member {
  readonly number: number;
  readonly pid: number;
  readonly proxy: ToxicProxy;
  /** What its shared router has announced since it was opened. */
  readonly heard: Announced[];
  /** Brings `heard` up to date. */
  listen(): Promise<void>;
  open(options: Partial<MemberOptions>): Promise<void>;
  load(perSecond: number, beside?: boolean): Promise<void>;
  rest(): Promise<LoadReport>;
  strike(): Promise<Calls>;
  crowd(calls: number): Promise<Calls>;
  closeCircuit(): Promise<void>;
  snapshot(): Promise<RouterSnapshot>;
  lagMs(): Promise<number>;
  race(ms: number, atOnce: number): Promise<Required<MemberReply>['race']>;
  storm(kind: StormKind, failures: number): Promise<StormReport>;
  close(): Promise<void>;
}

export interface Stage extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly members: readonly Member[];
  readonly seed: number;
  /** What `main` does from now on. */
  be(doing: Doing, slowMs?: number): Promise<void>;
  watch(): Promise<void>;
  visits(): Promise<readonly Visit[]>;
  letGo(member: number, ok: boolean): Promise<void>;
  kinds(): Promise<readonly string[]>;
  /** New routers in all processes, at a store and with a prefix that nobody has used; `each` says what is different for one of them. */
  open(each?: (number: number) => Partial<MemberOptions>): Promise<void>;
  /** All members at once. */
  all<Result>(work: (member: Member) => Promise<Result>): Promise<Result[]>;
  /** All that the store keeps, and the names under which it does. */
  contents(): Promise<readonly unknown[]>;
  /** The longest that one of the members, or this process, was late for a timer since it was asked last. */
  lagMs(): Promise<number>;
}

type MemberProgram = Program<MemberQuestion, MemberReply>;

export async function openStage(count: number, seed: number): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const redis = await startRedis();
  stack.defer(() => redis.close());
  const started = [
    startProgram<BackendQuestion, BackendReply>(new URL('./backend-program.ts', import.meta.url)),
    ...Array.from({ length: count }, () =>
      startProgram<MemberQuestion, MemberReply>(new URL('./member-program.ts', import.meta.url), ['--expose-gc']),
    ),
  ] as const;
  const [backend, ...programs] = (await Promise.all(started)) as [Program<BackendQuestion, BackendReply>, ...MemberProgram[]];
  for (const program of [backend, ...programs]) stack.use(program);
  const { url: backendUrl = '' } = await backend.ask({ ask: 'where' });
  const proxies = await Promise.all(programs.map(() => toxicProxy(redis.port)));
  for (const proxy of proxies) stack.defer(() => proxy.close());
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  stack.defer(() => void delay.disable());
  let opened = 0;
  const members = programs.map((program, number) => {
    const proxy = proxies[number] as ToxicProxy;
    const usual = (): MemberOptions => ({
      number,
      backendUrl,
      storeUrl: `redis://127.0.0.1:${proxy.port}`,
      prefix: `fleet-${opened}`,
      seed,
    });
    return memberOf(program, number, proxy, usual);
  });
  const all: Stage['all'] = (work) => Promise.all(members.map(work));
  return {
    redis,
    members,
    seed,
    all,
    contents: () => contentsOf(redis),
    async lagMs() {
      const own = delay.max / 1e6;
      delay.reset();
      return Math.max(own, ...(await all((member) => member.lagMs())));
    },
    be: async (doing, slowMs = 0) => void (await backend.ask({ ask: 'be', doing, slowMs })),
    watch: async () => void (await backend.ask({ ask: 'watch' })),
    visits: async () => (await backend.ask({ ask: 'visits' })).visits ?? [],
    letGo: async (member, ok) => void (await backend.ask({ ask: 'let-go', member, ok })),
    kinds: async () => (await backend.ask({ ask: 'kinds' })).kinds ?? [],
    async open(each = () => ({})) {
      opened += 1;
      await backend.ask({ ask: 'be', doing: 'well', slowMs: 0 });
      await all((member) => member.open(each(member.number)));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const readers: Readonly<Record<string, readonly string[]>> = {
  hash: ['HGETALL'],
  zset: ['ZRANGE', '0', '-1'],
  string: ['GET'],
};

async function contentsOf({ command }: RedisServer): Promise<readonly unknown[]> {
  const keys = (await command('KEYS', '*')) as readonly string[];
  const values = keys.map(async (key) => {
    const [read, ...more] = readers[String(await command('TYPE', key))] ?? ['DUMP'];
    return command(read as string, key, ...more);
  });
  return [keys, ...(await Promise.all(values))];
}

function memberOf(program: MemberProgram, number: number, proxy: ToxicProxy, usual: () => MemberOptions): Member {
  const heard: Announced[] = [];
  return {
    number,
    pid: program.pid,
    proxy,
    heard,
    async listen() {
      const { events = [] } = await program.ask({ ask: 'events', since: heard.length });
      heard.push(...events);
    },
    async open(options) {
      heard.length = 0;
      await program.ask({ ask: 'open', options: { ...usual(), ...options } });
    },
    load: async (perSecond, beside = true) => void (await program.ask({ ask: 'load', perSecond, beside })),
    rest: async () => (await program.ask({ ask: 'rest' })).load as LoadReport,
    strike: async () => (await program.ask({ ask: 'strike' })).calls as Calls,
    crowd: async (calls) => (await program.ask({ ask: 'crowd', calls })).calls as Calls,
    closeCircuit: async () => void (await program.ask({ ask: 'close-circuit' })),
    snapshot: async () => (await program.ask({ ask: 'snapshot' })).snapshot as RouterSnapshot,
    lagMs: async () => (await program.ask({ ask: 'lag' })).lagMs as number,
    race: async (ms, atOnce) => (await program.ask({ ask: 'race', ms, atOnce })).race as Required<MemberReply>['race'],
    storm: async (kind, failures) => (await program.ask({ ask: 'storm', kind, failures })).storm as StormReport,
    close: async () => void (await program.ask({ ask: 'close' })),
  };
}

/** Asks until it holds. False where it did not within `limitMs`: what is not there then shows in the figures. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const endMs = machineMs() + limitMs; ; await sleep(15)) {
    if (await holds()) return true;
    if (machineMs() > endMs) return false;
  }
}

/** Every one of `members` has announced `name` since `sinceMs`. */
export function untilHeard(members: readonly Member[], name: string, sinceMs: number, limitMs = 4_000): Promise<boolean> {
  return until(async () => {
    await Promise.all(members.map((member) => member.listen()));
    return members.every((member) => firstOf(member, name, sinceMs) !== undefined);
  }, limitMs);
}

/** When a member first announced something, from a moment on. */
export function firstOf({ heard }: Member, name: string, sinceMs: number): number | undefined {
  return heard.find((each) => each.name === name && each.atMs >= sinceMs)?.atMs;
}
