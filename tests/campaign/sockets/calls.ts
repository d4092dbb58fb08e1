import { type ChatRequest, isRouterError, type Router } from '../../../src/index.ts';
import { backendOf } from './cast.ts';
import type { Plan } from './plan.ts';

/** One attempt of a call, as the router's events tell it. */
export interface SeenAttempt {
  readonly backend: number;
  /** `answer`, the code of its error, `foreign` for an error that is none of the router's, or `open` while it lasts. */
  readonly code: string;
  /** The system's name of a fault of the connection, where it was one. */
  readonly reason?: string | undefined;
  /** Which limit ended it, where one did. */
  readonly phase?: string | undefined;
}

/** What became of one call. */
export interface CallRecord {
  readonly plan: Plan;
  readonly startedMs: number;
  endedMs: number;
  readonly attempts: SeenAttempt[];
  /** Announced ends of the call. */
  ends: number;
  /** Times that the transport took another connection for the same attempt. */
  replaced: number;
  /** All that was delivered. */
  text: string;
  outcome: Outcome;
}

export type Outcome =
  | { readonly type: 'answered'; readonly backend: number; readonly finish: string | null | undefined }
  | { readonly type: 'failed'; readonly error: unknown; readonly backend: number | undefined }
  | { readonly type: 'unsettled' };

/** In milliseconds. */
export interface Limits {
  readonly firstTokenMs: number;
  readonly idleMs: number;
  /** Of one attempt at a chat: a whole answer tells nothing until it is there, so nothing else could end one that hangs. */
  readonly totalMs: number;
  readonly deadlineMs: number;
  /** The deadline of calls that are meant to run into it. */
  readonly hurriedMs: number;
}

export function deadlineOf({ isHurried }: Plan, { deadlineMs, hurriedMs }: Limits): number {
  return isHurried ? hurriedMs : deadlineMs;
}

/** Longer than this after its deadline nobody waits for a call any more. */
const patienceMs = 3_000;

export interface Caller {
  /** Takes note of what a router announces. Once for each router. */
  follow(router: Router): void;
  call(router: Router, plan: Plan, request: ChatRequest): Promise<CallRecord>;
  /** Ends that were announced for calls that had ended before, or never began. */
  strayEnds(): number;
}

export function createCaller(limits: Limits): Caller {
  const running = new Map<string, CallRecord>();
  let starting: CallRecord | undefined;
  let strayEnds = 0;
  const ended = (requestId: string): void => {
    const record = running.get(requestId);
    if (record === undefined) strayEnds += 1;
    else record.ends += 1;
  };
  const note = (requestId: string, attempt: number, seen: SeenAttempt): void => {
    const record = running.get(requestId);
    if (record !== undefined) record.attempts[attempt - 1] = seen;
  };
  return {
    follow(router) {
      router
        // A call announces its start before it gives back its promise.
        .on('request:start', ({ requestId }) => void (starting && running.set(requestId, starting)))
        .on('request:end', ({ requestId }) => ended(requestId))
        .on('request:error', ({ requestId }) => ended(requestId))
        .on('attempt:start', ({ requestId, attempt, provider }) => note(requestId, attempt, { backend: backendOf(provider), code: 'open' }))
        .on('attempt:end', ({ requestId, attempt, provider }) => note(requestId, attempt, { backend: backendOf(provider), code: 'answer' }))
        .on('attempt:error', ({ requestId, attempt, provider, error }) => {
          const { code, reason, phase }: Omit<SeenAttempt, 'backend'> = isRouterError(error) ? error : { code: 'foreign' };
          note(requestId, attempt, { backend: backendOf(provider), code, reason, phase });
        })
        .on('retry', ({ requestId, reason }) => {
          const record = running.get(requestId);
          if (reason === 'stale_socket' && record !== undefined) record.replaced += 1;
        });
    },
    async call(router, plan, request) {
      const record = newRecord(plan);
      starting = record;
      const settled = settle(router, record, request, limits);
      starting = undefined;
      record.outcome = await within(settled, deadlineOf(plan, limits) + patienceMs);
      record.endedMs = performance.now();
      for (const [requestId, each] of running) if (each === record) running.delete(requestId);
      return record;
    },
    strayEnds: () => strayEnds,
  };
}

function newRecord(plan: Plan): CallRecord {
  const startedMs = performance.now();
  return { plan, startedMs, endedMs: startedMs, attempts: [], ends: 0, replaced: 0, text: '', outcome: { type: 'unsettled' } };
}

/** Carries the call out, and reads its stream to the end. Never rejects. */
async function settle(router: Router, record: CallRecord, request: ChatRequest, limits: Limits): Promise<Outcome> {
  const deadlineMs = deadlineOf(record.plan, limits);
  const { totalMs } = limits;
  let backend: number | undefined;
  try {
    if (record.plan.verb === 'chat') {
      const { choices, route } = await router.chat(request, { deadlineMs, timeouts: { totalMs } });
      record.text = choices[0].message.content ?? '';
      return { type: 'answered', backend: backendOf(route.provider), finish: choices[0].finish_reason };
    }
    const stream = await router.stream(request, { deadlineMs });
    backend = backendOf(stream.route.provider);
    let finish: string | null | undefined;
    for await (const { choices } of stream) {
      record.text += choices[0]?.delta.content ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    return { type: 'answered', backend, finish };
  } catch (error) {
    return { type: 'failed', error, backend };
  }
}

async function within(settled: Promise<Outcome>, limitMs: number): Promise<Outcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Outcome>((resolve) => (timer = setTimeout(() => resolve({ type: 'unsettled' }), limitMs)));
  const first = await Promise.race([settled, late]);
  clearTimeout(timer);
  return first;
}
