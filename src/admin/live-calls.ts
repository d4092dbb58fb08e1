import type { AdminEvent } from '../http/admin-contract.ts';
import { errorIn, isTrueIn, numberIn, textIn, type ToldError } from './payload.ts';

// What becomes of each call, as its events tell. Pure.

/** `lost`: the events broke off, and nobody here knows how it ended. */
export type CallState = 'waiting' | 'asking' | 'answered' | 'failed' | 'left' | 'lost';

export interface LiveCall {
  readonly requestId: string;
  readonly state: CallState;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly verb: string | undefined;
  readonly intent: string | undefined;
  /** As the caller named it, and later as the provider calls it. */
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly attempts: number;
  readonly firstContentMs: number | undefined;
  readonly error: ToldError | undefined;
}

const mostRunning = 200;
const mostEnded = 30;

/** The latest first. */
export function withEvent(calls: readonly LiveCall[], event: AdminEvent): readonly LiveCall[] {
  const requestId = textIn(event, 'requestId');
  const step = Object.hasOwn(steps, event.name) ? steps[event.name] : undefined;
  if (requestId === undefined || step === undefined) return calls;
  const known = calls.find((call) => call.requestId === requestId);
  const next = { ...(known ?? begun(requestId, event)), ...step(event) };
  return bounded(known === undefined ? [next, ...calls] : calls.map((call) => (call === known ? next : call)));
}

/** The stream of events had a hole: those under way may have ended in it. */
export function withHole(calls: readonly LiveCall[], atMs: number): readonly LiveCall[] {
  return calls.map((call) => (isRunning(call) ? { ...call, state: 'lost', endedAtMs: atMs } : call));
}

export function isRunning({ state }: LiveCall): boolean {
  return state === 'waiting' || state === 'asking';
}

const steps: Readonly<Record<string, (event: AdminEvent) => Partial<LiveCall>>> = {
  'request:start': (event) => ({ verb: textIn(event, 'verb'), intent: textIn(event, 'intent'), model: textIn(event, 'model') }),
  'queue:enter': () => ({ state: 'waiting', provider: undefined }),
  'queue:leave': (event) => ({ provider: textIn(event, 'provider') }),
  'attempt:start': (event) => ({
    state: 'asking',
    attempts: numberIn(event, 'attempt') ?? 1,
    ...place(event),
  }),
  'attempt:end': (event) => ({ firstContentMs: numberIn(event, 'firstContentMs') }),
  'request:end': (event) => ({
    state: isTrueIn(event, 'abandoned') ? 'left' : 'answered',
    endedAtMs: event.atMs,
    attempts: numberIn(event, 'attempts') ?? 1,
    ...place(event),
  }),
  'request:error': (event) => ({
    state: isTrueIn(event, 'aborted') ? 'left' : 'failed',
    endedAtMs: event.atMs,
    attempts: numberIn(event, 'attempts') ?? 0,
    error: errorIn(event),
  }),
};

/** What the server chooses itself has no name; the caller's stays then. */
function place(event: AdminEvent): Partial<LiveCall> {
  const model = textIn(event, 'model');
  return { provider: textIn(event, 'provider'), ...(model !== undefined && { model }) };
}

/** A call that had begun before this page listened counts from now on. */
function begun(requestId: string, { atMs }: AdminEvent): LiveCall {
  return {
    requestId,
    state: 'asking',
    startedAtMs: atMs,
    endedAtMs: undefined,
    verb: undefined,
    intent: undefined,
    model: undefined,
    provider: undefined,
    attempts: 0,
    firstContentMs: undefined,
    error: undefined,
  };
}

function bounded(calls: readonly LiveCall[]): readonly LiveCall[] {
  let running = 0;
  let ended = 0;
  return calls.filter((call) => (isRunning(call) ? ++running <= mostRunning : ++ended <= mostEnded));
}
