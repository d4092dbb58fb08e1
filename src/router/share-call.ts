import type { Announce, RouterEvents } from '../core/events.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { RouteTrace } from '../core/route.ts';
import { copyJson } from '../cache/copy-json.ts';
import type { Flight, Prepared, Seat } from '../cache/flights.ts';
import { openDeadline, timeoutError } from '../lib/deadline.ts';
import type { Entrance } from './begin-call.ts';
import type { Engine } from './engine.ts';
import type { CallEnding } from './recorded-call.ts';
import type { ResolvedCall } from './resolve-call.ts';

/** What a shared request has cost and is not yet booked with any of its calls. */
interface Bill {
  attempts: number;
  usage: RouterEvents['request:end']['usage'];
  costUsd: number | undefined;
}

interface Shared<Whole> {
  readonly whole: Promise<Whole>;
  readonly bill: Bill;
}

/** One call in a shared request: it has its own time, its own caller who may leave, and its own events. */
export interface Rider<Whole> {
  /** What is shared, or what ended this call before that was there. */
  whole(): Promise<Whole>;
  /** The promise, or the abort of this call. One at a time. */
  waitFor<Value>(promise: Promise<Value>): Promise<Value>;
  /** Called once, in the same turn, where this call ends before the request: its caller left, its time is over, or the router closes. */
  onCut(listener: (error: unknown) => void): void;
  /** The route of the request as that of this call. */
  routeFrom(route: RouteTrace): RouteTrace;
  /** Announces the end, once. */
  end(route: RouteTrace, abandoned: boolean): void;
  /** Announces the failure, once, and gives what the caller gets to see. */
  fail(error: unknown): unknown;
}

/** Begins what calls share that ask for the same. It tells of itself nothing but its attempts, which go by the name of the first call. */
export type BeginShared<Request, Whole> = (call: ResolvedCall<Request>, engine: Engine, flight: Flight) => Promise<Whole>;

/** A request may take this part longer than its first call, so that calls that come a little later can share it. */
const slack = 0.1;

/** A call takes its place in what is under way, or begins it. `leave` counts it out, once. */
export function ride<Request, Whole>(
  call: ResolvedCall<Request>,
  entrance: Entrance,
  flightKey: string,
  leave: () => void,
  begin: BeginShared<Request, Whole>,
): Rider<Whole> {
  const { requestId, verb, intent, request, startedAtMs, endsAtMs, signal } = call;
  const { engine } = entrance;
  const { config, kept, announce } = engine;
  announce('request:start', { requestId, verb, model: request.model, intent });
  const limit = openDeadline({ clock: config.clock, provider: '', signals: [signal, engine.shutdown], endsAtMs, endPhase: 'deadline' });
  const mayEndAtMs = endsAtMs + slack * (endsAtMs - startedAtMs);
  const seat: Seat<Shared<Whole>> | undefined = limit.signal.aborted
    ? undefined
    : kept?.flights.join(flightKey, endsAtMs, mayEndAtMs, (flight) => prepare(call, engine, flight, begin));
  if (kept !== undefined && seat?.isShared) kept.counts.shared += 1;
  // In the same turn: the last one who leaves stops the request.
  limit.signal.addEventListener('abort', () => seat?.leave(signal?.aborted !== true));
  const books = booking(call, entrance, seat, () => {
    limit.dispose();
    seat?.leave();
    leave();
  });
  return {
    ...books,
    async whole() {
      try {
        return await limit.waitFor(seat?.shared.whole ?? never);
      } catch (error) {
        throw limit.signal.aborted ? ownError(call, limit.signal.reason) : error;
      }
    },
    waitFor: (promise) => limit.waitFor(promise),
    onCut(listener) {
      limit.signal.addEventListener('abort', () => listener(ownError(call, limit.signal.reason)));
    },
    routeFrom: (route) => ({ ...copyJson(route), requestId }),
  };
}

const never: Promise<never> = new Promise(() => undefined);

/** The end of one call, which is told once. */
function booking(
  call: ResolvedCall<unknown>,
  { engine, recorders }: Entrance,
  seat: Seat<Shared<unknown>> | undefined,
  close: () => void,
): Pick<Rider<unknown>, 'end' | 'fail'> {
  const { requestId, signal, startedAtMs } = call;
  const {
    announce,
    config: { clock },
  } = engine;
  // The request has a line of its own, by the name of the call that began it.
  const record = (ending: CallEnding): void => {
    if (seat?.isShared !== false) recorders.noteUnasked(call, engine, seat !== undefined, ending);
  };
  let isOver = false;
  const closeOnce = (): boolean => {
    if (isOver) return false;
    isOver = true;
    close();
    return true;
  };
  return {
    end({ provider, model, cached }, abandoned) {
      if (!closeOnce()) return;
      const bill = taken(seat?.shared.bill);
      announce('request:end', { requestId, provider, model, ms: clock.nowMs() - startedAtMs, ...bill, cached, abandoned });
      record({ usage: undefined, abandoned });
    },
    fail(error) {
      if (!closeOnce()) return error;
      const aborted = signal?.aborted === true && error === signal.reason;
      const { attempts } = taken(seat?.shared.bill);
      announce('request:error', { requestId, error, ms: clock.nowMs() - startedAtMs, attempts, aborted });
      record({ error });
      return error;
    },
  };
}

/** The request is made for all who share it: nobody's signal stops it, nobody's end is its own. */
function prepare<Request, Whole>(
  call: ResolvedCall<Request>,
  engine: Engine,
  flight: Flight,
  begin: BeginShared<Request, Whole>,
): Prepared<Shared<Whole>> {
  const bill: Bill = { attempts: 0, usage: undefined, costUsd: undefined };
  const announce: Announce = (name, payload) => {
    if (name === 'attempt:start') bill.attempts += 1;
    if (name === 'request:end') {
      const { usage, costUsd } = payload as RouterEvents['request:end'];
      Object.assign(bill, { usage, costUsd });
    }
    if (!name.startsWith('request:')) engine.announce(name, payload);
  };
  let settle: ((whole: Promise<Whole>) => void) | undefined;
  const whole = new Promise<Whole>((resolve) => (settle = resolve));
  // Everybody who waits for it is told, and perhaps nobody does any more.
  whole.catch(() => flight.close());
  return {
    shared: { whole, bill },
    begin: () => settle?.(begin({ ...call, signal: flight.signal, endsAtMs: flight.endsAtMs }, { ...engine, announce }, flight)),
  };
}

/** Sums over calls stay right: what a request has cost is told with one of those that share it. */
function taken(bill: Bill | undefined): Bill {
  const { attempts = 0, usage, costUsd } = bill ?? {};
  if (bill !== undefined) Object.assign(bill, { attempts: 0, usage: undefined, costUsd: undefined });
  return { attempts, usage, costUsd };
}

/** What cut a call off: its own time is over after its own number of milliseconds. */
function ownError({ signal, startedAtMs, endsAtMs }: ResolvedCall<unknown>, reason: unknown): unknown {
  if (signal?.aborted === true || !isRouterError(reason, 'timeout')) return reason;
  const { message } = timeoutError(undefined, 'deadline', endsAtMs - startedAtMs);
  return new RouterError('timeout', message, { phase: 'deadline', stoppedBecause: 'deadline' });
}
