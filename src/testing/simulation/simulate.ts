import { createRouter, isRouterError, type Router, type RouterOptions } from '../../index.ts';
import { seededRandom } from '../seeded-random.ts';
import { type AssumedSpeed, simulatedAdapter, type World } from './adapter.ts';
import { createReplayClock, type ReplayClock } from './clock.ts';
import { learnFailures } from './failures.ts';
import { createTally, type Priced, type RunFigures, type Tally } from './figures.ts';
import { quietOptions, simulatedProviders } from './options.ts';
import { callOptionsOf, chatRequestOf, embedRequestOf } from './request.ts';
import { attemptsOf, learnTimes } from './times.ts';
import { type ReadTrace, readTrace, type Trace, type TracedCall, type TracedProvider } from './trace.ts';

export interface SimulateOptions {
  /** How fast providers are that the trace does not know, by their ids; of others it counts in place of the trace. */
  readonly assume?: Readonly<Record<string, AssumedSpeed>> | undefined;
  /**
   * Of everything that is drawn at random: the same seed gives the same figures.
   * @default 1
   */
  readonly seed?: number | undefined;
}

export interface Simulation {
  /** As it was. */
  readonly recorded: RunFigures;
  /** As it would have been. */
  readonly replayed: RunFigures;
  /** Calls for which nobody was asked (answered from a cache, or by the request of another call): not replayed, and in neither of the two. */
  readonly cached: number;
  /** Lines that the recorder could not write. */
  readonly lost: number;
}

/**
 * What another configuration would have made of the calls of a record: the real router on a clock of its own, in front of providers that
 * take as long, and fail as they did in the trace. Nothing is sent anywhere. What is not in a record is not replayed: texts, and with them
 * prompt caches; polls of servers' own load; health checks.
 * @throws {Error} for a trace that is none, with the number of the line; and for a provider of which neither the trace nor `assume` knows
 * how fast it is.
 * @throws {ConfigError} for options that `createRouter()` would refuse.
 */
export async function simulate(options: RouterOptions, trace: Trace, extra: SimulateOptions = {}): Promise<Simulation> {
  const { assume = {}, seed = 1 } = extra;
  const read = await readTrace(trace);
  const calls = read.calls.filter(({ cached }) => cached !== true);
  const [first] = calls;
  if (first === undefined) throw new Error('Every call of the record was answered without asking anybody: there is nothing to replay.');
  const clock = createReplayClock(first.at - 1);
  const facts = factsOf(options, clock);
  refuseUnknown(facts, read, assume);
  const replayed = createTally(facts.keys(), pricedBy(options, facts));
  const recorded = createTally(read.providers.keys(), pricedBy(options, new Map([...facts, ...read.providers])));
  for (const call of calls) recorded.add(call);
  const stranger: { id?: string } = {};
  const world = worldOf({ ...read, calls }, clock, { assume, seed, onUnknown: (id) => void (stranger.id ??= id) });
  const router = createRouter({
    ...quietOptions(options),
    clock,
    random: seededRandom(seed + 1),
    providers: simulatedProviders(options, facts, (provider) => simulatedAdapter(provider, world), calls),
  });
  await replay(router, calls, clock, replayed, () => stranger.id !== undefined);
  if (stranger.id !== undefined) throw new Error(notKnown(stranger.id));
  return { recorded: recorded.figures(), replayed: replayed.figures(), cached: read.calls.length - calls.length, lost: read.lost };
}

/** Providers as the options mean them, defaults included: what a recorder would say of them. The router that tells it is never asked. */
function factsOf(options: RouterOptions, clock: ReplayClock): ReadonlyMap<string, TracedProvider> {
  const facts = new Map<string, TracedProvider>();
  createRouter({ ...quietOptions(options), clock }).record((text) => {
    const line = JSON.parse(text) as { readonly providers?: readonly TracedProvider[] };
    for (const each of line.providers ?? []) facts.set(each.id, each);
  });
  return facts;
}

function refuseUnknown(
  facts: ReadonlyMap<string, TracedProvider>,
  { providers }: ReadTrace,
  assume: NonNullable<SimulateOptions['assume']>,
): void {
  for (const [id, { firstTokenMs, tokensPerSecond }] of Object.entries(assume)) {
    if (firstTokenMs >= 0 && tokensPerSecond > 0 && Number.isFinite(firstTokenMs)) continue;
    throw new Error(`assume.${id} must have firstTokenMs, 0 or more, and tokensPerSecond above 0.`);
  }
  const stranger = [...facts.values()].find(({ id, type }) => type !== 'stub' && !providers.has(id) && assume[id] === undefined);
  if (stranger !== undefined) throw new Error(notKnown(stranger.id));
}

function notKnown(id: string): string {
  return `The trace holds no answer of the provider "${id}": say how fast it is, assume: { ${JSON.stringify(id)}: { firstTokenMs, tokensPerSecond } }.`;
}

function pricedBy({ prices }: RouterOptions, providers: ReadonlyMap<string, TracedProvider>): Priced {
  return {
    prices,
    paidType(id) {
      const known = providers.get(id);
      return known?.cost === 'paid' ? known.type : undefined;
    },
  };
}

interface Given extends Pick<World, 'assume' | 'onUnknown'> {
  readonly seed: number;
}

function worldOf({ calls, providers }: ReadTrace, clock: ReplayClock, { assume, seed, onUnknown }: Given): World {
  const seen = attemptsOf(calls);
  const answers = calls.flatMap(({ usage, outcome }) => (usage !== undefined && outcome === 'answered' ? [usage.answerTokens] : []));
  const usual = answers.toSorted((left, right) => left - right)[answers.length >> 1] ?? 0;
  return {
    clock,
    random: seededRandom(seed),
    times: learnTimes(seen, providers),
    failures: learnFailures(seen),
    assume,
    callOf: (requestId) => calls[Number(requestId)] as TracedCall,
    answerTokensOf: ({ usage, maxAnswerTokens = Infinity }) => usage?.answerTokens ?? Math.min(usual, maxAnswerTokens),
    onUnknown,
  };
}

/** Every call at its time. */
async function replay(
  router: Router,
  calls: readonly TracedCall[],
  clock: ReplayClock,
  tally: Tally,
  isStopped: () => boolean,
): Promise<void> {
  let over = 0;
  let defect: { readonly error: unknown } | undefined;
  router.record((text) => {
    const line = JSON.parse(text) as { readonly type: string };
    if (line.type === 'call') tally.add(line as TracedCall);
  });
  calls.forEach((call, index) => {
    clock.schedule(call.at - clock.nowMs(), () => {
      void askAgain(router, call, index, clock)
        .catch((error: unknown) => void (defect ??= { error }))
        .finally(() => (over += 1));
    });
  });
  await clock.run(() => over === calls.length || defect !== undefined || isStopped());
  if (defect !== undefined) throw defect.error;
}

/** A caller who left leaves after the same time. */
async function askAgain(router: Router, call: TracedCall, index: number, clock: ReplayClock): Promise<void> {
  const left = call.outcome === 'aborted' || call.outcome === 'abandoned' ? new AbortController() : undefined;
  const cancel = left === undefined ? undefined : clock.schedule(call.ms, () => left.abort());
  const options = { ...callOptionsOf(call), requestId: String(index), ...(left !== undefined && { signal: left.signal }) };
  try {
    if (call.verb === 'embed') await router.embed(embedRequestOf(call, index), options);
    else if (call.verb === 'chat') await router.chat(chatRequestOf(call, index), options);
    else for await (const _chunk of await router.stream(chatRequestOf(call, index), options));
  } catch (error) {
    // That it was not answered stands in its line; anything else is a defect.
    if (!isRouterError(error) && left?.signal.aborted !== true) throw error;
  } finally {
    cancel?.();
  }
}
