import { errorCodes, isRouterError, type RouterError } from '../../../src/index.ts';
import type { AttemptRecord } from './ledger.ts';
import type { ProviderPlan } from './scenario.ts';

/** A breaker, as far as the events show it. */
export interface Circuit {
  is: 'closed' | 'open' | 'half-open';
  untilMs: number;
  /** Attempts let in since it last changed, that are under way, and how many of them went well. */
  readonly inside: Set<AttemptRecord>;
  successes: number;
  /** It lets in 1, 2, 4, 8 at once, because it has just closed. */
  ramps: boolean;
  /** It was probed before its time. */
  isEarly: boolean;
}

export interface ModelBooks {
  readonly circuit: Circuit;
  pinnedUntilMs: number | undefined;
  /** When what keeps calls away was last said. An answer to what was asked before that proves nothing against it. */
  pinnedAtMs: number;
  missingUntilMs: number;
  restsUntilMs: number;
  restsSinceMs: number;
  readonly underWay: Set<AttemptRecord>;
  /** Since when it has been said to be loading. */
  loadingSinceMs: number | undefined;
}

export interface ProviderBooks {
  readonly plan: ProviderPlan;
  readonly circuit: Circuit;
  readonly models: Map<string, ModelBooks>;
  restsUntilMs: number;
  restsSinceMs: number;
  offUntilMs: number;
  offSinceMs: number;
  wasOut: boolean;
  /** When it last told its load. */
  toldMs: number;
  last: AttemptRecord | undefined;
}

const newCircuit = (): Circuit => ({ is: 'closed', untilMs: 0, inside: new Set(), successes: 0, ramps: false, isEarly: false });

export function newProviderBooks(plan: ProviderPlan): ProviderBooks {
  const never = { restsUntilMs: 0, restsSinceMs: 0, offUntilMs: 0, offSinceMs: 0, wasOut: false, toldMs: -Infinity };
  return { plan, circuit: newCircuit(), models: new Map(), ...never, last: undefined };
}

export function modelBooks({ models }: ProviderBooks, model: string | undefined): ModelBooks {
  const found = models.get(model ?? '');
  if (found !== undefined) return found;
  const never = { pinnedUntilMs: undefined, pinnedAtMs: 0, missingUntilMs: 0, restsUntilMs: 0, restsSinceMs: 0 };
  const made: ModelBooks = { circuit: newCircuit(), ...never, underWay: new Set(), loadingSinceMs: undefined };
  models.set(model ?? '', made);
  return made;
}

/** The circuit that an event is about: without a model it is the one for connections. */
export function circuitOf(books: ProviderBooks, model: string | undefined): Circuit {
  return model === undefined ? books.circuit : modelBooks(books, model).circuit;
}

export function turn(circuit: Circuit, is: Circuit['is'], untilMs: number, hasRamp: boolean): void {
  Object.assign(circuit, { is, untilMs, successes: 0, ramps: hasRamp && is === 'closed' });
  circuit.inside.clear();
}

/** Times are sums of fractions, and the same moment may come out in two ways. */
const roundingMs = 0.001;

export type Obstacle = 'open' | 'probed' | 'ramp' | 'disabled' | 'missing' | 'resting' | 'pinned';

/** What keeps calls from a model at this moment. `besides`: 1 where the call itself is counted already. */
export function obstacleTo(books: ProviderBooks, name: string | undefined, atMs: number, besides: 0 | 1): Obstacle | undefined {
  const model = modelBooks(books, name);
  const nowMs = atMs + roundingMs;
  for (const circuit of [books.circuit, model.circuit]) {
    if (circuit.is === 'open' && nowMs < circuit.untilMs) return 'open';
    if (circuit.is !== 'closed' && circuit.inside.size > besides) return 'probed';
    if (circuit.ramps && circuit.inside.size - besides >= rampOf(circuit)) return 'ramp';
  }
  if (books.offUntilMs > nowMs) return 'disabled';
  if (model.missingUntilMs > nowMs) return 'missing';
  if (books.restsUntilMs > nowMs || model.restsUntilMs > nowMs) return 'resting';
  if (model.pinnedUntilMs === undefined) return undefined;
  return model.pinnedUntilMs > nowMs || model.underWay.size > besides ? 'pinned' : undefined;
}

function rampOf({ successes }: Circuit): number {
  return 2 ** successes;
}

/** After so many in a row there is no limit any more. */
const fullAfter = 4;

/** The ramp goes up with what went well, and begins anew with a failure. */
function climb(circuit: Circuit, isGood: boolean, isFault: boolean): void {
  if (isGood) circuit.successes += 1;
  else if (isFault) circuit.successes = 0;
  if (circuit.successes >= fullAfter) circuit.ramps = false;
}

/** Limits that may follow from the deadline of the call. */
const phasesOfCallers: ReadonlySet<string | undefined> = new Set(['deadline', 'total', 'throughput', 'first-token']);

export function mayBeTheCallers({ phase }: RouterError): boolean {
  return phasesOfCallers.has(phase);
}

/** True where nothing at all keeps a call away; while a recovery is being tried, that is not sure. */
export function isSurelyFree(books: ProviderBooks, model: string | undefined, atMs: number): boolean {
  const circuits = [books.circuit, modelBooks(books, model).circuit];
  return circuits.every(({ ramps, inside }) => !ramps || inside.size === 0) && obstacleTo(books, model, atMs, 0) === undefined;
}

/** Takes a failed attempt into the circuits that had let it in. */
export function settleFailure(books: ProviderBooks, attempt: AttemptRecord): void {
  const { error, model } = attempt;
  const heard = !attempt.aborted && !attempt.slept && isRouterError(error) ? error : undefined;
  const verdict = heard && errorCodes[heard.code].breaker;
  const isRefusal = heard?.phase === 'connect';
  const isFault = heard !== undefined && verdict === 'failure' && !mayBeTheCallers(heard);
  // A request that is refused for what it says tells nothing of the model.
  settle(modelBooks(books, model).circuit, attempt, false, isFault && !isRefusal);
  // Whatever status came, the connection stood.
  settle(books.circuit, attempt, verdict === 'alive' || heard?.status !== undefined, isFault && isRefusal);
}

/** The same for one that came to its end. */
export function settleAnswer(books: ProviderBooks, attempt: AttemptRecord): void {
  settle(modelBooks(books, attempt.model).circuit, attempt, true, false);
  settle(books.circuit, attempt, true, false);
}

/** And for one whose reader left: nobody knows how it would have ended. */
export function settleAbandoned(books: ProviderBooks, attempt: AttemptRecord): void {
  settle(modelBooks(books, attempt.model).circuit, attempt, false, false);
  settle(books.circuit, attempt, false, false);
}

/** What an older time had let in changes nothing. */
function settle(circuit: Circuit, attempt: AttemptRecord, isGood: boolean, isFault: boolean): void {
  if (circuit.inside.delete(attempt)) climb(circuit, isGood, isFault);
}
