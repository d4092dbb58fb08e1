import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { openDeadline } from '../lib/deadline.ts';
import { type Engine, holdEngine } from './engine.ts';
import { checkBefore } from './health-monitor.ts';
import type { Recorders } from './recorder.ts';
import type { ResolvedCall } from './resolve-call.ts';
import { beginRun, type Run } from './run.ts';
import type { Live } from './verbs.ts';

/**
 * Counts a call in, and gives what counts it out.
 * @throws {RouterError} `closed`
 */
export function enterCall({ engine, closing }: Readonly<Live>, call: ResolvedCall<unknown>): () => void {
  closing.enter();
  const letGo = holdEngine(engine);
  engine.calls.lastAtMs = call.startedAtMs;
  engine.sharing?.noteCall(call.startedAtMs);
  return () => {
    closing.leave();
    letGo();
  };
}

/** Where a call is entered. */
export type Entrance = Pick<Live, 'engine' | 'recorders'>;

/** Opens the books of one call that was counted in. From here on it ends with exactly one event, and `leave` is called once. */
export function startCall<Request extends ChatRequest | EmbedRequest>(
  call: ResolvedCall<Request>,
  { engine, recorders }: Entrance,
  leave: () => void,
): Run<Request> | Promise<Run<Request>> {
  const checks = engine.config.health.mode === 'per-request' ? checkBefore(engine, call) : undefined;
  if (checks === undefined) return openBooks(call, engine, recorders, leave);
  return inTime(checks, call, engine).then(() => openBooks(call, engine, recorders, leave));
}

function openBooks<Request extends ChatRequest | EmbedRequest>(
  call: ResolvedCall<Request>,
  engine: Engine,
  recorders: Recorders,
  leave: () => void,
): Run<Request> {
  try {
    return recorders.watch(beginRun(call, engine, leave));
  } catch (error) {
    leave();
    throw error;
  }
}

/** In the same turn, where nothing has to be waited for: calls go in the order in which they were made. */
export function whenStarted<Request, Answer>(
  run: Run<Request> | Promise<Run<Request>>,
  work: (run: Run<Request>) => Promise<Answer>,
): Promise<Answer> {
  return run instanceof Promise ? run.then(work) : work(run);
}

/**
 * Waits for what providers say of themselves before a call is planned: for half of its time at most, so that those who did answer have the
 * other half. Never rejects: that its caller has left, or the router was closed, the call finds out as any other does.
 */
async function inTime(checks: Promise<unknown>, { signal, startedAtMs, endsAtMs }: ResolvedCall<unknown>, engine: Engine): Promise<void> {
  const { clock } = engine.config;
  const half = startedAtMs + (endsAtMs - startedAtMs) / 2;
  const limit = openDeadline({ clock, provider: '', signals: [signal, engine.shutdown], endsAtMs: half, endPhase: 'deadline' });
  try {
    await limit.waitFor(checks);
  } catch {
    return;
  } finally {
    limit.dispose();
  }
}
