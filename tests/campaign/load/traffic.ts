import { createRouter, type Router, type RouterOptions } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { plantedChat } from '../_kit/planted-chat.ts';
import { plantedGates } from '../_kit/planted-gates.ts';
import type { Backend } from './backend.ts';
import type { HandClock } from './hand-clock.ts';
import type { Setting } from './measure.ts';

/** One call as the application sees it. */
export interface Called {
  readonly startedAtMs: number;
  endedAtMs: number | undefined;
  isAnswered: boolean;
}

export interface Traffic {
  readonly clock: HandClock;
  readonly router: Router;
  readonly canaries: Canaries;
  readonly perSecond: number;
  /** @default false */
  readonly manyModels?: boolean;
}

export async function openRouter(
  clock: HandClock,
  backends: Readonly<Record<string, Backend>>,
  { canaries, planted }: Setting,
  random: () => number,
  options: Omit<RouterOptions, 'providers'> = {},
): Promise<Router> {
  const gates = plantedGates(canaries, planted);
  const asked = Object.entries(backends).map(([id, { adapter }]) => [id, { type: 'custom' as const, adapter }] as const);
  const router = createRouter({
    clock,
    random,
    health: false,
    ...options,
    providers: { ...Object.fromEntries(asked), ...gates.providers },
    transport: gates.transport,
  });
  // Looking at an event costs as much as a call, and they are all made by the same lines: failures, and one call in twenty.
  for (const name of ['attempt:error', 'request:error', 'failover', 'breaker:open', 'breaker:close', 'retry'] as const) {
    router.on(name, (payload) => canaries.look(name, payload));
  }
  let count = 0;
  router.on('request:end', (payload) => void (count++ % 20 === 0 && canaries.look('request:end', payload)));
  await gates.knock(router);
  return router;
}

/** What an application does with one call: mostly it makes it once. Rejects where it got no answer. */
export type Use = (call: () => Promise<unknown>) => Promise<unknown>;

/** Calls at an even rate. They go on when this resolves; `clock.drain()` ends them. */
export async function send(traffic: Traffic, count: number, use: Use = (call) => call()): Promise<Called[]> {
  const { clock, router, canaries, perSecond, manyModels = false } = traffic;
  const startMs = clock.nowMs();
  const request = plantedChat(canaries, 'go');
  const calls: Called[] = [];
  for (let index = 1; index <= count; index++) {
    const called: Called = { startedAtMs: clock.nowMs(), endedAtMs: undefined, isAnswered: false };
    calls.push(called);
    const model = manyModels ? `m${startMs}-${index}` : 'm';
    use(() => router.chat({ ...request, model })).then(
      () => Object.assign(called, { endedAtMs: clock.nowMs(), isAnswered: true }),
      () => void (called.endedAtMs = clock.nowMs()),
    );
    await clock.to(startMs + (index * 1_000) / perSecond);
  }
  return calls;
}

export function answeredShare(calls: readonly Called[]): number {
  return calls.filter(({ isAnswered }) => isAnswered).length / calls.length;
}

/** How many of them have settled. */
export function settledCalls(calls: readonly Called[]): number {
  return calls.filter(({ endedAtMs }) => endedAtMs !== undefined).length;
}
