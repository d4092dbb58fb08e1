import type { Stage } from './stage.ts';

/** Something that happens to the store, or to the ways there. */
export interface Fault {
  readonly name: string;
  /** Members that have no store while it lasts. */
  cutOff(count: number): number;
  inject(stage: Stage): Promise<unknown> | void;
  /** Absent where there is nothing to mend. */
  heal?(stage: Stage): Promise<unknown> | void;
  /** It is there before the routers are. */
  readonly isFirst?: true;
  /** How wrong the clock of a member is. */
  skewMs?(number: number): number;
}

const all = (count: number): number => count;
const none = (): number => 0;
const half = (count: number): number => Math.floor(count / 2);
const tenMinutesMs = 600_000;

export const faults: readonly Fault[] = [
  { name: 'down at the start', cutOff: all, isFirst: true, inject: ({ redis }) => redis.kill(), heal: ({ redis }) => redis.start() },
  { name: 'killed, and started again', cutOff: all, inject: ({ redis }) => redis.kill(), heal: ({ redis }) => redis.start() },
  { name: 'stopped (SIGSTOP)', cutOff: all, inject: ({ redis }) => redis.pause(), heal: ({ redis }) => redis.resume() },
  {
    name: 'accepts connections and never answers',
    cutOff: all,
    inject: ({ members }) => members.forEach(({ proxy }) => proxy.hang()),
    heal: healProxies,
  },
  {
    name: 'answers after 5 s',
    cutOff: all,
    inject: ({ members }) => members.forEach(({ proxy }) => proxy.delay(0, 5_000)),
    heal: healProxies,
  },
  {
    // Slow, and not too slow: whoever waited for it would show.
    name: 'answers after 20 ms',
    cutOff: none,
    inject: ({ members }) => members.forEach(({ proxy }) => proxy.delay(0, 20)),
    heal: healProxies,
  },
  {
    name: 'half of the processes cut off',
    cutOff: half,
    inject: ({ members }) => members.slice(0, half(members.length)).forEach(({ proxy }) => proxy.refuse()),
    heal: healProxies,
  },
  {
    name: 'half of the processes cut off without a word',
    cutOff: half,
    inject: ({ members }) => members.slice(0, half(members.length)).forEach(({ proxy }) => proxy.hang()),
    heal: healProxies,
  },
  {
    name: 'a replica that takes no writes (READONLY)',
    cutOff: all,
    inject: ({ redis }) => redis.command('REPLICAOF', '127.0.0.1', '1'),
    heal: ({ redis }) => redis.command('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'out of memory (OOM)',
    cutOff: all,
    inject: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', '1'),
    heal: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', '0'),
  },
  { name: 'emptied (FLUSHALL)', cutOff: none, inject: ({ redis }) => redis.command('FLUSHALL') },
  { name: 'scripts forgotten (SCRIPT FLUSH)', cutOff: none, inject: ({ redis }) => redis.command('SCRIPT', 'FLUSH') },
  {
    name: 'clocks 10 minutes wrong',
    cutOff: none,
    inject: () => undefined,
    skewMs: (number) => [0, tenMinutesMs, -tenMinutesMs][number % 3] as number,
  },
];

function healProxies({ members }: Stage): void {
  for (const { proxy } of members) proxy.heal();
}
