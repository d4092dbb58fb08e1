import { createRouter, eventNames, type ProviderOptions, type Router, type RouterEvents, type Verb } from '../../../src/index.ts';
import { type Canaries, type CanaryKind, canaryKinds, createCanaries } from '../_kit/canaries.ts';
import { type Callers, createCallers } from './caller.ts';
import { customBackend } from './custom-backend.ts';
import { disturb, planClose } from './disturb.ts';
import { createEventsLog, type EventsLog } from './events-log.ts';
import type { FaultName } from './fault-kinds.ts';
import { watchFrozen } from './frozen.ts';
import { createLaneBooks, type LaneBooks } from './lane-books.ts';
import { createLastAttempts, type LastAttempts } from './last-attempts.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { isNearEnough, isPaidFor, mayServe } from './possible.ts';
import type { CallPlan } from './load.ts';
import type { Program } from './program.ts';
import { createReference, type Reference } from './reference.ts';
import { planScenario, type ProviderPlan, type Scenario } from './scenario.ts';
import { addressOf, scriptedTransport } from './scripted-transport.ts';
import { createMemory } from './telling.ts';
import { createTokens, type Tokens } from './tokens.ts';
import type { FakeBackend, World } from './upstream.ts';
import type { Complain, Violation } from './violations.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export interface SimulationOptions {
  /** Calls of the load, beside those that look at the recovery. */
  readonly calls: number;
  /** Keeps every event as a line. */
  readonly keepsLog?: boolean;
  /** Looks into everything for secrets, however deep. Slow. */
  readonly looksDeep?: boolean;
  /**
   * Jumps of the wall clock: as planned, backwards only, or none. A jump far ahead looks like a process that was suspended, and is
   * treated so; any other changes nothing.
   */
  readonly wall?: 'back' | 'stands';
  /** Gets the whole simulation before it begins: for a look from outside. */
  readonly inspect?: (simulation: Simulation) => void;
}

/** One simulation as it stands: everything that the checks at its end look at. */
export interface Simulation {
  readonly scenario: Scenario;
  readonly router: Router;
  readonly clock: VirtualClock;
  readonly world: World;
  readonly ledger: Ledger;
  readonly callers: Callers;
  readonly reference: Reference;
  readonly tokens: Tokens;
  readonly lastAttempts: LastAttempts;
  readonly lanes: LaneBooks;
  /** What happened beside the calls, counted. */
  readonly beside: { healthFailed: number; explained: number; unpinned: number };
  readonly canaries: Canaries;
  readonly log: EventsLog | undefined;
  readonly violations: Violation[];
  readonly complain: Complain;
  /** The kinds of canaries that were sent or given. */
  readonly planted: ReadonlySet<CanaryKind>;
  /** From now on every backend is well. */
  heal(): void;
}

/** Builds the world of a seed: router, fake backends, callers, and the books that everything is held against. */
export function createSimulation(seed: number, options: SimulationOptions): Simulation {
  const scenario = planScenario(seed, options.calls);
  const clock = createVirtualClock();
  const startMs = clock.nowMs();
  const canaries = createCanaries(seed);
  const violations: Violation[] = [];
  const complain: Complain = (invariant, what) => void violations.push({ invariant, what, atMs: clock.nowMs() - startMs });
  let order = 0;
  const next = (): number => (order += 1);
  let isHealed = false;
  const nowDoing = (program: Program, verb: Verb): FaultName => (isHealed ? 'healthy' : program(clock.nowMs() - startMs, verb));
  const planted = new Set<CanaryKind>(options.looksDeep === true ? ['completion'] : []);
  const world: World = {
    clock,
    dice: scenario.faultDice,
    backends: backendsOf(scenario, canaries, clock, nowDoing),
    calls: [],
    leaks: [],
    next,
    polls: { open: 0, told: 0 },
    onTold: (backend, report) => {
      lanes.told(backend, report);
      reference.told(backend);
    },
    onSent: options.looksDeep === true ? planting(canaries, planted) : undefined,
    echo: { chat: canaries.of.prompt, embed: canaries.of.embeddingInput },
    mark: options.looksDeep === true ? canaries.of.completion : '',
  };
  const router = buildRouter(scenario, world, canaries);
  const ledger = createLedger(clock.forRouter, next, complain);
  const reference = createReference({
    providers: scenario.providers,
    settings: scenario.settings,
    nowMs: clock.nowMs,
    mayServe: (request, provider) => mayServe(request.plan, provider, scenario) && !lanes.isFull(request, provider.id),
    complain,
  });
  const lanes = createLaneBooks({ scenario, nowMs: clock.nowMs, isBarred: reference.isBarred, complain });
  const log = options.keepsLog === true ? createEventsLog() : undefined;
  const callers = createCallers({ router, clock, ledger, canary: canaries.of, next });
  const simulation: Simulation = {
    scenario,
    router,
    clock,
    world,
    ledger,
    callers,
    reference,
    tokens: createTokens(scenario.settings.retry, scenario.providers),
    lastAttempts: createLastAttempts({ scenario, nowMs: clock.nowMs, wasOut: reference.wasOut, isFull: lanes.isFull, complain }),
    lanes,
    beside: { healthFailed: 0, explained: 0, unpinned: 0 },
    canaries,
    log,
    violations,
    complain,
    planted,
    heal: () => void (isHealed = true),
  };
  watch(simulation);
  if (options.looksDeep === true) canaries.watch(router);
  disturb(simulation, options.wall);
  planClose(simulation);
  for (const plan of scenario.load) clock.at(plan.atMs, () => callers.make(plan));
  options.inspect?.(simulation);
  return simulation;
}

function backendsOf(
  { providers }: Scenario,
  canaries: Canaries,
  { nowMs }: VirtualClock,
  nowDoing: (program: Program, verb: Verb) => FaultName,
): readonly FakeBackend[] {
  return providers.map((machine, index) => {
    const { id, on, format, program } = machine;
    const memory = machine.memory && createMemory(machine.memory, nowMs);
    const key = `${canaries.of.apiKey}-${id}`;
    return { index, id, on, format, key, machine, memory, kindFor: (verb) => nowDoing(program, verb) };
  });
}

function planting({ of }: Canaries, planted: Set<CanaryKind>): (sent: unknown) => void {
  return (sent) => {
    const text = JSON.stringify(sent);
    for (const kind of canaryKinds) if (text.includes(of[kind])) planted.add(kind);
  };
}

function buildRouter({ providers, settings, routerDice }: Scenario, world: World, canaries: Canaries): Router {
  const configured = providers.map(({ id, on, type, device, cost, priority, ...machine }, index): [string, ProviderOptions] => {
    const { maxConcurrent, reservedForFast, weight, locality } = machine;
    const limits = { maxConcurrent, reservedForFast, weight, locality };
    const common = { device, cost, priority, ...limits, defaultModel: 'm', embeddingModel: 'e' };
    const backend = world.backends[index] as FakeBackend;
    if (on === 'custom') return [id, { ...common, type: 'custom', adapter: customBackend(world, backend) }];
    const headers = { 'x-tenant': canaries.of.headerValue, 'x-gateway-key': canaries.of.otherKey };
    return [id, { ...common, type, url: addressOf(id), apiKey: backend.key, headers }];
  });
  return createRouter({
    health: false,
    ...settings,
    providers: Object.fromEntries(configured),
    transport: scriptedTransport(world),
    clock: world.clock.forRouter,
    random: routerDice.share,
  });
}

/** Everything that the router tells goes into the books first, and only then to listeners that throw. */
function watch(simulation: Simulation): void {
  const { router, ledger, reference, clock, log, scenario, complain } = simulation;
  const moves = watchBreakers(simulation);
  const frozen = watchFrozen(router, (scenario.settings.queue?.limit ?? Infinity) <= 2, complain);
  for (const name of eventNames) {
    router.on(name, (payload: RouterEvents[typeof name]) => {
      log?.add(clock.nowMs(), name, payload);
      ledger.on(name, payload);
      reference.on(name, payload);
      moves(name, payload);
      frozen(name, payload);
      if (name.startsWith('queue:')) onQueue(simulation, name, payload as RouterEvents['queue:leave']);
      if (name === 'request:end' || name === 'request:error') onEnd(simulation, payload as RouterEvents['request:end']);
      if (name === 'hedge') checkHedge(simulation, payload as RouterEvents['hedge']);
      if (name.startsWith('attempt:')) onAttempt(simulation, name, payload as RouterEvents['attempt:start']);
    });
  }
  for (const name of scenario.disturbances.throwsOn) {
    router.on(name as 'request:start', () => {
      throw new Error('this listener is broken');
    });
  }
}

function onEnd({ ledger, lastAttempts, lanes }: Simulation, { requestId }: RouterEvents['request:end']): void {
  const record = ledger.of(requestId);
  if (record === undefined) return;
  lastAttempts.closed(record);
  lanes.requestEnded(record);
}

function onQueue({ ledger, lanes }: Simulation, name: string, payload: RouterEvents['queue:leave']): void {
  const record = ledger.of(payload.requestId);
  if (record === undefined) return;
  if (name === 'queue:leave') lanes.left(record, payload);
  else lanes.entered(record, payload as unknown as RouterEvents['queue:enter']);
}

function onAttempt(simulation: Simulation, name: string, payload: RouterEvents['attempt:start']): void {
  const { ledger, reference, tokens, lastAttempts, lanes, scenario, complain } = simulation;
  const record = ledger.of(payload.requestId);
  const attempt = record?.attempts[payload.attempt - 1];
  if (record === undefined || attempt === undefined) return;
  if (name !== 'attempt:start') {
    tokens.ended(attempt);
    lastAttempts.ended(attempt);
    lanes.ended(record, attempt);
    return reference.ended(attempt);
  }
  reference.started(record, attempt);
  lastAttempts.started(record, attempt);
  lanes.started(record, attempt);
  const { plan } = record;
  if (attempt.number > 1 && tokens.areUsedUp(attempt.provider)) {
    complain('retry budget', `request ${plan.index}: attempt ${attempt.number} at ${attempt.provider}`);
  }
  checkConsent(scenario, plan, attempt.provider, complain);
  // Each snapshot costs about as much as a tenth of a call.
  if (attempt.startOrder % 3 === 0) checkCounters(simulation);
}

/** Whoever is asked, in whatever kind of attempt, is near enough, and paid only with consent. */
export function checkConsent(scenario: Scenario, plan: CallPlan, id: string, complain: Complain): void {
  const provider = scenario.providers.find((each) => each.id === id) as ProviderPlan;
  const who = `request ${plan.index} went to ${id}`;
  if (!isPaidFor(plan, provider, scenario)) complain('no cost without consent', who);
  if (!isNearEnough(plan, provider, scenario.settings)) complain('no farther than allowed', `${who} in ${provider.locality}`);
}

function costOf({ providers }: Scenario, id: string): string | undefined {
  return providers.find((provider) => provider.id === id)?.cost;
}

function checkHedge({ scenario, ledger, complain }: Simulation, { requestId, provider, from }: RouterEvents['hedge']): void {
  if (costOf(scenario, provider) === costOf(scenario, from)) return;
  complain('no cost without consent', `request ${ledger.of(requestId)?.plan.index}: a hedge from ${from} to ${provider}`);
}

function checkCounters({ ledger, router, complain }: Simulation): void {
  const { inFlight, providers } = router.snapshot();
  if (inFlight !== ledger.open.count) complain('counters', `${inFlight} requests in flight, ${ledger.open.count} by the events`);
  for (const each of providers) {
    const expected = ledger.open.byProvider.get(each.provider) ?? 0;
    if (each.inFlight !== expected) complain('counters', `${each.provider}: ${each.inFlight} in flight, ${expected} by the events`);
  }
}

/** Breakers move at the moment in which an attempt of theirs begins or ends, and at no other. */
function watchBreakers({ clock, complain }: Simulation): (name: string, payload: unknown) => void {
  const touched = new Map<string, number>();
  const waiting = new Map<string, number>();
  return (name, payload) => {
    const nowMs = clock.nowMs();
    const { provider } = payload as { readonly provider?: string };
    for (const [id, atMs] of waiting) {
      if (atMs >= nowMs) continue;
      complain('health moves no breaker', `${id} moved without an attempt`);
      waiting.delete(id);
    }
    if (provider === undefined) return;
    if (name.startsWith('attempt:')) {
      touched.set(provider, nowMs);
      waiting.delete(provider);
    }
    if (name.startsWith('breaker:') && touched.get(provider) !== nowMs) waiting.set(provider, nowMs);
  };
}
