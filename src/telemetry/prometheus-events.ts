import { type EventName, isRouterError, type Listener, type Router, type RouterEvents, type Verb } from '../index.ts';
import type { Families } from './prometheus-families.ts';
import type { FixedLabels, ModelLabels } from './prometheus-labels.ts';

/** Where the events of one router are counted. */
export interface Counting {
  readonly router: Router;
  readonly families: Families;
  readonly labels: FixedLabels;
  readonly models: ModelLabels;
}

type On = <Name extends EventName>(name: Name, listener: Listener<Name>) => void;

/** Counts from now on. Gives what ends it. */
export function countEvents(counting: Counting): () => void {
  const { router } = counting;
  const undo: (() => void)[] = [];
  const on: On = (name, listener) => {
    router.on(name, listener);
    undo.push(() => router.off(name, listener));
  };
  countRequests(counting, on);
  countAttempts(counting, on);
  countSecondChances(counting, on);
  countTrouble(counting, on);
  return () => {
    for (const each of undo) each();
  };
}

/** What is only told when a call begins. */
interface Begun {
  readonly verb: Verb;
  readonly intent: string;
}

function countRequests({ router, families, labels, models }: Counting, on: On): void {
  // Callers choose the ids, so two calls may share one.
  const begun = new Map<string, readonly Begun[]>();
  const isStub = createStubCheck(router, on);
  const take = (requestId: string): Begun | undefined => {
    const [first, ...rest] = begun.get(requestId) ?? [];
    if (rest.length > 0) begun.set(requestId, rest);
    else begun.delete(requestId);
    return first;
  };
  const count = ({ verb, intent }: Begun, outcome: string, kind: 'ok' | 'error' | 'aborted', ms: number): void => {
    families.requests.inc({ ...labels, verb, intent, outcome });
    families.requestSeconds.observe({ ...labels, verb, intent, outcome: kind }, ms / 1_000);
  };
  on('request:start', ({ requestId, verb, intent }) => void begun.set(requestId, [...(begun.get(requestId) ?? []), { verb, intent }]));
  on('request:end', (end) => {
    const call = take(end.requestId);
    // It began before anybody counted.
    if (call === undefined) return;
    if (end.abandoned) count(call, 'abandoned', 'aborted', end.ms);
    else count(call, 'ok', 'ok', end.ms);
    if (isStub(end.provider)) families.stub.inc({ ...labels, provider: end.provider });
    // Nobody spent anything on an answer that was kept.
    if (end.cached) families.cached.inc({ ...labels, verb: call.verb });
    else countSpent(end, families, { ...labels, provider: end.provider, model: models.of(end.provider, end.model) });
  });
  on('request:error', ({ requestId, ms, error, aborted }) => {
    const call = take(requestId);
    if (call !== undefined) count(call, aborted ? 'aborted' : codeOf(error), aborted ? 'aborted' : 'error', ms);
  });
}

/** Whose answers are a stand-in's. Snapshots are not free, so it is asked once for each provider. */
function createStubCheck(router: Router, on: On): (provider: string) => boolean {
  const known = new Map<string, boolean>();
  on('config:update', () => known.clear());
  return (provider) => {
    const is = known.get(provider) ?? router.snapshot().providers.some((each) => each.provider === provider && each.type === 'stub');
    known.set(provider, is);
    return is;
  };
}

interface Labelled {
  readonly provider: string;
  readonly model: string;
}

function countSpent({ usage, costUsd }: RouterEvents['request:end'], families: Families, labels: Labelled): void {
  const output = usage !== undefined && 'completion_tokens' in usage ? usage.completion_tokens : undefined;
  families.tokens.inc({ ...labels, type: 'input' }, countable(usage?.prompt_tokens));
  families.tokens.inc({ ...labels, type: 'output' }, countable(output));
  families.costUsd.inc(labels, countable(costUsd));
}

/** A counter throws for what does not count up, and servers say what they like. */
function countable(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : 0;
}

/** Servers may refuse a name so that they do not know: it gets no label for that. */
const ofTheRequest: ReadonlySet<string> = new Set(['model_not_found', 'bad_request']);

function countAttempts({ families, labels, models }: Counting, on: On): void {
  on('attempt:end', ({ provider, model, ms, firstContentMs }) => {
    const of = { ...labels, provider, model: models.of(provider, model) };
    families.attempts.inc({ ...of, outcome: 'ok' });
    families.attemptSeconds.observe(of, ms / 1_000);
    if (firstContentMs !== undefined) families.firstTokenSeconds.observe(of, firstContentMs / 1_000);
  });
  on('attempt:error', ({ provider, model, error, aborted }) => {
    const outcome = aborted ? 'aborted' : codeOf(error);
    const label = aborted || ofTheRequest.has(outcome) ? models.known(provider, model) : models.of(provider, model);
    families.attempts.inc({ ...labels, provider, model: label, outcome });
  });
}

function countSecondChances({ families, labels, models }: Counting, on: On): void {
  on('failover', ({ from, to, reason }) => families.failovers.inc({ ...labels, from, to, reason }));
  on('retry', ({ provider, reason }) => families.retries.inc({ ...labels, provider, reason }));
  on('hedge', ({ from, provider: to }) => families.hedges.inc({ ...labels, from, to }));
  on('stream:interrupted', ({ provider, model }) => families.interruptions.inc({ ...labels, provider, model: models.of(provider, model) }));
  on('stream:reset', ({ from, provider: to }) => families.recoveries.inc({ ...labels, from, to, how: 'reset' }));
  on('stream:resumed', ({ from, provider: to }) => families.recoveries.inc({ ...labels, from, to, how: 'resumed' }));
  on('queue:leave', ({ provider, ms }) =>
    families.queueSeconds.observe({ ...labels, outcome: provider === undefined ? 'left' : 'served' }, ms / 1_000),
  );
}

function countTrouble({ families, labels, models }: Counting, on: On): void {
  const change =
    (state: string) =>
    ({ provider }: { readonly provider: string }): void =>
      families.breakerChanges.inc({ ...labels, provider, state });
  on('breaker:open', change('open'));
  on('breaker:half-open', change('half-open'));
  on('breaker:close', change('closed'));
  on('provider:cooldown', ({ provider, reason }) => families.cooldowns.inc({ ...labels, provider, reason }));
  on('model:pinned', ({ provider, model }) => families.pins.inc({ ...labels, provider, model: models.of(provider, model) }));
  on('budget:warning', ({ scope }) => families.budgets.inc({ ...labels, event: 'warning', scope }));
  on('budget:exceeded', ({ scope }) => families.budgets.inc({ ...labels, event: 'exceeded', scope }));
}

function codeOf(error: unknown): string {
  return isRouterError(error) ? error.code : 'bug';
}
