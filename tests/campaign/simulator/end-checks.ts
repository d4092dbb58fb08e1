import { isRouterError } from '../../../src/index.ts';
import type { CallResult } from './caller.ts';
import { checkDelivered } from './delivered.ts';
import type { FaultName } from './fault-kinds.ts';
import { isUnread, unreadMs } from './lane-books.ts';
import { chanceOf, mayBeAsked, usualSlots } from './possible.ts';
import { checkRequest, matchCalls } from './request-checks.ts';
import type { ProviderPlan } from './scenario.ts';
import { checkShares } from './shares.ts';
import { checkConsent, type Simulation } from './simulate.ts';
import type { UpstreamCall } from './upstream.ts';
import type { Complain } from './violations.ts';

/** What was simulated, to be added up over all seeds. */
export interface Counts {
  requests: number;
  answered: number;
  left: number;
  failed: number;
  attempts: number;
  upstream: number;
  hedges: number;
  notices: number;
  aborted: number;
  /** Requests that a provider which never fails could have answered: had to be, might have been, and were. */
  must: number;
  mustAnswered: number;
  may: number;
  mayAnswered: number;
  canariesLooked: number;
  /** Last attempts that could have gone to a better or to a worse place. */
  lastChoices: number;
  healthFailed: number;
  explained: number;
  unpinned: number;
  queued: number;
  granted: number;
  overtakable: number;
  late: number;
  saturated: number;
  reserved: number;
  /** Providers told their load. */
  told: number;
  /** Calls that were kept from somebody who is too far away, or would have to be paid. */
  kept: number;
  /** Calls whose turns by weight were counted. */
  shared: number;
  planted: Partial<Record<string, number>>;
  injected: Partial<Record<FaultName, number>>;
  observed: Partial<Record<string, number>>;
  errors: Partial<Record<string, number>>;
}

export function newCounts(): Counts {
  const zeros = { requests: 0, answered: 0, left: 0, failed: 0, attempts: 0, upstream: 0, hedges: 0, notices: 0, aborted: 0 };
  return {
    ...zeros,
    must: 0,
    mustAnswered: 0,
    may: 0,
    mayAnswered: 0,
    canariesLooked: 0,
    lastChoices: 0,
    healthFailed: 0,
    explained: 0,
    unpinned: 0,
    queued: 0,
    granted: 0,
    overtakable: 0,
    late: 0,
    saturated: 0,
    reserved: 0,
    told: 0,
    kept: 0,
    shared: 0,
    planted: {},
    injected: {},
    observed: {},
    errors: {},
  };
}

/** Everything that can only be said at the end. */
export function checkEnd(simulation: Simulation): Counts {
  const { scenario, callers, world } = simulation;
  const counts = newCounts();
  const byRequest = new Map<number, UpstreamCall[]>();
  for (const call of world.calls) {
    add(counts.injected, call.kind);
    const list = byRequest.get(call.request) ?? [];
    byRequest.set(call.request, list);
    list.push(call);
  }
  for (const result of callers.results) checkOne(simulation, result, byRequest.get(result.plan.index) ?? [], counts);
  counts.upstream = world.calls.length;
  checkRest(simulation);
  for (const kind of simulation.planted) add(counts.planted, kind);
  counts.canariesLooked = simulation.canaries.looked();
  const { beside, lanes, lastAttempts, ledger, complain } = simulation;
  Object.assign(counts, beside, lanes.counts, { lastChoices: lastAttempts.weighed(), told: world.polls.told });
  if (scenario.isCalm) counts.shared = checkShares(scenario, ledger.requests.values(), complain);
  const unread = new Set(callers.results.flatMap(({ plan }) => (isUnread(plan) ? [plan.index] : [])));
  for (const provider of scenario.providers) checkBackend(provider, world.calls, unread, complain);
  const lost = scenario.load.length - callers.results.filter(({ plan }) => plan.index < scenario.load.length).length;
  if (lost !== 0) complain('settles once', `${lost} calls were never made`);
  return counts;
}

function checkOne(simulation: Simulation, result: CallResult, calls: readonly UpstreamCall[], counts: Counts): void {
  const { scenario, ledger, complain } = simulation;
  const { settings } = scenario;
  const { plan } = result;
  const record = ledger.requests.get(plan.index);
  counts.requests += 1;
  counts[result.outcome === 'answer' ? 'answered' : result.outcome === 'left' ? 'left' : 'failed'] += 1;
  if (result.abortedAtMs !== undefined) counts.aborted += 1;
  if (result.outcome === 'error') add(counts.errors, nameOf(result));
  for (const { backend } of calls) checkConsent(scenario, plan, backend.id, complain);
  if (scenario.providers.some((provider) => !mayBeAsked({ ...plan, provider: undefined }, provider, scenario))) counts.kept += 1;
  checkRequest(result, record, calls, settings, closedAtMs(simulation), complain);
  checkDelivered(result, record, calls, plan.onStreamFailure ?? settings.onStreamFailure ?? 'error', complain);
  lookForSecrets(simulation, result);
  if (record === undefined) return;
  counts.attempts += record.attempts.length;
  counts.hedges += record.hedges;
  counts.notices += record.notices;
  for (const kind of matchCalls(record, calls, complain)) add(counts.observed, kind);
  const isLoad = plan.index < scenario.load.length;
  if (!isLoad && result.outcome !== 'answer') complain('recovers', `${plan.provider} does not ${plan.verb}: ${nameOf(result)}`);
  const chance = isLoad ? chanceOf(result, record, scenario, closedAtMs(simulation)) : 'none';
  if (chance === 'none') return;
  counts[chance] += 1;
  if (result.outcome === 'answer') counts[`${chance}Answered`] += 1;
  else if (chance === 'must') complain('answered where possible', `request ${plan.index}: ${nameOf(result)}`);
}

/** So long after its attempt a call upstream may stand. */
const graceMs = 50;

/** What the backend itself saw: never more calls at once than its slots. One that is deaf keeps a call for ever, whoever left. */
function checkBackend(provider: ProviderPlan, calls: readonly UpstreamCall[], unread: ReadonlySet<number>, complain: Complain): void {
  const { id, type, maxConcurrent: slots = usualSlots(provider) } = provider;
  if (slots === Infinity) return;
  const own = calls.filter(({ backend, kind }) => backend.id === id && kind !== 'deaf');
  const endOf = ({ closedAtMs: at = Infinity, wholeAtMs = Infinity, request, startedAtMs }: UpstreamCall): number =>
    Math.min(wholeAtMs, at - graceMs, unread.has(request) ? startedAtMs + unreadMs : Infinity);
  for (const model of type === 'ollama' && provider.maxConcurrent === undefined ? ['chat', 'embed'] : ['any']) {
    const changes = own
      .filter(({ verb }) => model === 'any' || (verb === 'embed') === (model === 'embed'))
      .filter((call) => endOf(call) > call.startedAtMs)
      .flatMap((call) => [[call.startedAtMs, 1] as const, [endOf(call), -1] as const])
      .toSorted(([left, up], [right, other]) => left - right || up - other);
    let count = 0;
    for (const [, by] of changes) {
      count += by;
      if (count > slots) return complain('calls at once', `${id} itself had ${count} of ${slots}`);
    }
  }
}

function closedAtMs({ scenario }: Simulation): number {
  return 1_000_000 + (scenario.disturbances.closeAtMs ?? Infinity);
}

function nameOf({ error, abortedAtMs }: CallResult): string {
  if (isRouterError(error)) return error.code;
  return abortedAtMs === undefined ? 'foreign' : 'aborted';
}

function lookForSecrets({ canaries, complain }: Simulation, { plan, error, route }: CallResult): void {
  const texts = [
    error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : '',
    JSON.stringify(route),
  ];
  if (texts.some((text) => text?.includes('canary-'))) complain('no secrets', `request ${plan.index}: in its error or its route`);
  if (canaries.looked() === 0) return;
  canaries.look('error', error);
  canaries.look('route', route);
}

function checkRest({ clock, router, world, canaries, reference, scenario, complain }: Simulation): void {
  if (clock.routerTimers(true) > 0) complain('nothing left', `${clock.routerTimers(true)} timers after close`);
  const standing = world.calls.filter(({ closedAtMs: at, kind }) => at === undefined && kind !== 'deaf');
  if (standing.length > 0) complain('nothing left', `${standing.length} calls upstream after close, of ${standing[0]?.kind}`);
  if (clock.badDelays.length > 0) complain('timers that hold', clock.badDelays.slice(0, 5).join(', '));
  for (const leak of world.leaks) complain('own credentials only', leak);
  const snapshot = router.snapshot();
  canaries.look('snapshot', snapshot);
  for (const { kind, sink } of canaries.hits) complain('no secrets', `${kind} in ${sink}`);
  if (snapshot.inFlight !== 0) complain('counters', `${snapshot.inFlight} in flight after close`);
  for (const { id, isAnchor } of scenario.providers) {
    if (isAnchor && reference.wasOut(id)) complain('own faults open nothing', `${id} never failed and was taken out`);
  }
  if (scenario.disturbances.closeAtMs !== undefined) return;
  for (const { provider, breaker, models } of snapshot.providers) {
    const states = [breaker, ...models.map((model) => model.breaker)];
    if (states.some((state) => state !== 'closed')) complain('recovers', `${provider}: ${states.join(', ')}`);
  }
}

function add(counts: Partial<Record<string, number>>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
