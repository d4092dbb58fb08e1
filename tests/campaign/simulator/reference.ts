import { errorCodes, isRouterError, type RouterEvents } from '../../../src/index.ts';
import {
  circuitOf,
  isSurelyFree,
  modelBooks,
  newProviderBooks,
  type Obstacle,
  obstacleTo,
  type ProviderBooks,
  settleAbandoned,
  settleAnswer,
  settleFailure,
  turn,
} from './circuits.ts';
import type { AttemptRecord, RequestRecord } from './ledger.ts';
import type { ProviderPlan, Settings } from './scenario.ts';
import type { Complain } from './violations.ts';

/** Who may be called, made from the events alone and by rules written down anew. */
export interface Reference {
  started(request: RequestRecord, attempt: AttemptRecord): void;
  ended(attempt: AttemptRecord): void;
  on<Name extends keyof RouterEvents>(name: Name, payload: RouterEvents[Name]): void;
  /** The provider has just told its load: what it has in memory may end a pin. */
  told(provider: string): void;
  /** Somebody says that all models fit again; their pins end while this holds. */
  whileUnpinning(work: () => void): void;
  /** Something speaks against a call to the model there at this moment. */
  isBarred(provider: string, model: string): boolean;
  /** True once a breaker of the provider has opened, or something else put it out. */
  wasOut(provider: string): boolean;
}

export interface ReferenceOptions {
  readonly providers: readonly ProviderPlan[];
  readonly settings: Settings;
  nowMs(): number;
  /** Whether the rules that last would let the call go there. */
  mayServe(request: RequestRecord, provider: ProviderPlan): boolean;
  readonly complain: Complain;
}

const disabledMs = 300_000;
/** A load that takes longer is none, and counts. */
const loadingGraceMs = 300_000;

export function createReference(options: ReferenceOptions): Reference {
  const { nowMs } = options;
  const all = new Map(options.providers.map((plan): [string, ProviderBooks] => [plan.id, newProviderBooks(plan)]));
  const of = (provider: string): ProviderBooks => all.get(provider) as ProviderBooks;
  const unpinning = { now: false };
  const listeners = listenersOf(options, of, unpinning);
  /** An attempt that ended without an error: whether its reader left is told by the event after it, the end of its request. */
  let ended: { readonly attempt: AttemptRecord; readonly requestId: string } | undefined;
  const requestIds = new WeakMap<AttemptRecord, string>();
  const close = (isAbandoned: boolean): void => {
    if (ended === undefined) return;
    const { attempt } = ended;
    ended = undefined;
    const books = of(attempt.provider);
    if (isAbandoned) return settleAbandoned(books, attempt);
    settleAnswer(books, attempt);
    noteAnswer(books, attempt);
  };
  return {
    started(request, attempt) {
      close(false);
      requestIds.set(attempt, request.requestId);
      const books = of(attempt.provider);
      const model = modelBooks(books, attempt.model);
      books.circuit.inside.add(attempt);
      model.circuit.inside.add(attempt);
      model.underWay.add(attempt);
      const found = obstacleTo(books, attempt.model, nowMs(), 1);
      if (found !== undefined) judge(options, all, request, attempt, found);
    },
    ended(attempt) {
      close(false);
      const books = of(attempt.provider);
      const model = modelBooks(books, attempt.model);
      model.underWay.delete(attempt);
      books.last = attempt;
      if (!attempt.failed) {
        ended = { attempt, requestId: requestIds.get(attempt) ?? '' };
        return;
      }
      settleFailure(books, attempt);
      if (attempt.aborted || attempt.slept) return;
      if (isRouterError(attempt.error, 'auth')) {
        Object.assign(books, { offUntilMs: nowMs() + disabledMs, offSinceMs: nowMs(), wasOut: true });
      } else if (isRouterError(attempt.error, 'model_loading')) model.loadingSinceMs ??= nowMs();
    },
    on(name, payload) {
      const { requestId, abandoned } = payload as Partial<RouterEvents['request:end']>;
      close(name === 'request:end' && abandoned === true && ended?.requestId === requestId);
      listeners[name]?.(payload);
    },
    told: (provider) => void (of(provider).toldMs = nowMs()),
    whileUnpinning(work) {
      unpinning.now = true;
      work();
      unpinning.now = false;
    },
    isBarred: (provider, model) => obstacleTo(of(provider), model, nowMs(), 0) !== undefined,
    wasOut: (provider) => of(provider).wasOut,
  };
}

/** An answer ends what was said before its call began; what was said since is the newer word. */
function noteAnswer(books: ProviderBooks, { startMs, model: name }: AttemptRecord): void {
  const model = modelBooks(books, name);
  if (startMs >= books.restsSinceMs) books.restsUntilMs = 0;
  if (startMs >= books.offSinceMs) books.offUntilMs = 0;
  if (startMs >= model.restsSinceMs) Object.assign(model, { restsUntilMs: 0, loadingSinceMs: undefined });
  if (startMs >= model.pinnedAtMs) model.pinnedUntilMs = undefined;
}

/** A call to who is out is wrong, but for the ways that are left where nobody else can be asked. */
function judge(
  { settings, complain, providers, mayServe, nowMs }: ReferenceOptions,
  all: ReadonlyMap<string, ProviderBooks>,
  request: RequestRecord,
  attempt: AttemptRecord,
  found: Obstacle,
): void {
  const who = `request ${request.plan.index}: ${attempt.provider}/${attempt.model ?? ''} is ${found}`;
  if (found === 'probed' || found === 'ramp') return complain('one probe', who);
  const books = all.get(attempt.provider) as ProviderBooks;
  const isPanic = settings.panic === 'soonest' && (books.circuit.isEarly || modelBooks(books, attempt.model).circuit.isEarly);
  if (found !== 'pinned' && !isPanic) return complain('no call to who is out', who);
  const tried = new Set(request.attempts.map(({ provider }) => provider));
  // It was the last resort when the call began to ask it, or to wait for it.
  if (request.waits > 0) return;
  if (request.attempts.some((each) => each !== attempt && each.provider === attempt.provider)) return;
  const isFree = (plan: ProviderPlan): boolean =>
    !tried.has(plan.id) && mayServe(request, plan) && isSurelyFree(all.get(plan.id) as ProviderBooks, attempt.model, nowMs());
  const other = providers.find(isFree);
  if (other !== undefined) complain('no call to who is out', `${who}, and ${other.id} was free`);
}

type Listeners = { [Name in keyof RouterEvents]?: (payload: RouterEvents[Name]) => void };

function listenersOf(
  { settings, nowMs, complain }: ReferenceOptions,
  of: (provider: string) => ProviderBooks,
  unpinning: { readonly now: boolean },
): Listeners {
  const hasRamp = settings.breaker !== 'classic';
  return {
    'breaker:open'({ provider, model, untilMs }) {
      const books = of(provider);
      turn(circuitOf(books, model), 'open', untilMs, hasRamp);
      books.wasOut = true;
      const cause = books.last?.failed === true ? books.last.error : undefined;
      if (!countsAgainst(books, cause, nowMs())) {
        complain('own faults open nothing', `${provider} opened after ${isRouterError(cause) ? cause.code : 'nothing'}`);
      }
    },
    'breaker:half-open'({ provider, model }) {
      const circuit = circuitOf(of(provider), model);
      const isEarly = circuit.is === 'open' && nowMs() < circuit.untilMs - 1;
      if (isEarly && settings.panic !== 'soonest') complain('no call to who is out', `${provider} was probed before its time`);
      turn(circuit, 'half-open', 0, hasRamp);
      circuit.isEarly = isEarly;
    },
    'breaker:close': ({ provider, model }) => turn(circuitOf(of(provider), model), 'closed', 0, hasRamp),
    'provider:cooldown'({ provider, untilMs, reason }) {
      const books = of(provider);
      books.wasOut = true;
      const resting = reason === 'model_loading' ? modelBooks(books, books.last?.model) : books;
      Object.assign(resting, { restsUntilMs: untilMs, restsSinceMs: nowMs() });
    },
    'model:pinned'({ provider, model, untilMs }) {
      of(provider).wasOut = true;
      Object.assign(modelBooks(of(provider), model), { pinnedUntilMs: untilMs, pinnedAtMs: nowMs() });
    },
    'model:unpinned'({ provider, model }) {
      const books = of(provider);
      const known = modelBooks(books, model);
      known.pinnedUntilMs = undefined;
      // What an answer ends is told before the answer is.
      const isAnswered = [...known.underWay].some(({ startMs }) => startMs >= known.pinnedAtMs);
      if (!unpinning.now && books.toldMs !== nowMs() && !isAnswered) complain('pins end for a reason', `${provider}/${model ?? ''}`);
    },
    'model:missing'({ provider, model, untilMs }) {
      of(provider).wasOut = true;
      modelBooks(of(provider), model).missingUntilMs = untilMs;
    },
  };
}

function countsAgainst(books: ProviderBooks, cause: unknown, nowMs: number): boolean {
  if (!isRouterError(cause)) return false;
  if (['failure', 'ratio'].includes(errorCodes[cause.code].breaker)) return true;
  const since = modelBooks(books, books.last?.model).loadingSinceMs ?? nowMs;
  return cause.code === 'model_loading' && nowMs - since > loadingGraceMs;
}
