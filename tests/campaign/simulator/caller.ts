import type { CallOptions, ChatChunk, ChatRequest, ChatStream, EmbedRequest, Router, StreamNotice } from '../../../src/index.ts';
import type { CanaryKind } from '../_kit/canaries.ts';
import type { Ledger } from './ledger.ts';
import type { CallPlan } from './load.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A stretch of delivered text; each but the first begins behind a notice. */
export interface Segment {
  text: string;
  readonly notice: StreamNotice | undefined;
}

/** What a caller saw of one call. */
export interface CallResult {
  readonly plan: CallPlan;
  readonly madeAtMs: number;
  /** `answer`: whole and in order; `left`: the reader went away; `error`: it threw. */
  outcome: 'answer' | 'left' | 'error' | undefined;
  settles: number;
  settledAtMs: number;
  error: unknown;
  readonly segments: Segment[];
  vectors: number | undefined;
  /** When the first content was in the caller's hands, among everything that happened. */
  contentOrder: number | undefined;
  /** The same for the last piece of any kind. */
  lastPieceOrder: number;
  signal: AbortSignal | undefined;
  abortedAtMs: number | undefined;
  abortOrder: number;
  route: unknown;
  /** Kept, so that the collector of garbage, who comes when he likes, ends no stream. */
  stream: ChatStream | undefined;
}

export interface Callers {
  readonly results: readonly CallResult[];
  /** Calls that have not come to their end yet. */
  readonly waiting: () => number;
  make(plan: CallPlan): void;
  abort(result: CallResult): void;
  abortGroup(group: number): void;
}

interface CallerWorld {
  readonly router: Router;
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
  readonly canary: Readonly<Record<CanaryKind, string>>;
  next(): number;
}

/** Those who call the router: each makes its call, reads at its own pace, leaves or aborts when it likes. */
export function createCallers(world: CallerWorld): Callers {
  const { clock, ledger } = world;
  const results: CallResult[] = [];
  const groups = new Map<number, AbortController>();
  const controllers = new Map<CallResult, AbortController>();
  let waiting = 0;
  const controllerFor = ({ group, abort, index }: CallPlan): AbortController | undefined => {
    if (group === undefined) return abort !== 'none' || index % 2 === 0 ? new AbortController() : undefined;
    const found = groups.get(group) ?? new AbortController();
    groups.set(group, found);
    return found;
  };
  const mark = (result: CallResult): void => {
    if (result.abortedAtMs !== undefined) return;
    Object.assign(result, { abortedAtMs: clock.nowMs(), abortOrder: world.next() });
  };
  const abort = (result: CallResult): void => {
    mark(result);
    controllers.get(result)?.abort(reasonOf(result.plan));
  };
  return {
    results,
    waiting: () => waiting,
    abort,
    abortGroup(group) {
      const controller = groups.get(group);
      if (controller === undefined) return;
      for (const result of results) if (result.plan.group === group) mark(result);
      controller.abort('the group went home');
    },
    make(plan) {
      const controller = controllerFor(plan);
      const result = newResult(plan, clock.nowMs(), controller?.signal);
      results.push(result);
      if (controller !== undefined) controllers.set(result, controller);
      if (controller?.signal.aborted === true) mark(result);
      if (plan.abort === 'before') abort(result);
      if (plan.abort === 'after') clock.at(plan.abortAfterMs, () => result.outcome === undefined && abort(result));
      waiting += 1;
      const settle = (outcome: CallResult['outcome'], error?: unknown): void => {
        result.settles += 1;
        waiting -= 1;
        Object.assign(result, { outcome, error, settledAtMs: clock.nowMs() });
      };
      ledger.expect(plan);
      run(world, result).then(settle, (error: unknown) => settle('error', error));
    },
  };
}

function newResult(plan: CallPlan, madeAtMs: number, signal: AbortSignal | undefined): CallResult {
  return {
    plan,
    madeAtMs,
    outcome: undefined,
    settles: 0,
    settledAtMs: Infinity,
    error: undefined,
    segments: [{ text: '', notice: undefined }],
    vectors: undefined,
    contentOrder: undefined,
    lastPieceOrder: 0,
    signal,
    abortedAtMs: undefined,
    abortOrder: Infinity,
    route: undefined,
    stream: undefined,
  };
}

/** Reasons of all kinds come back as they are. */
function reasonOf({ index }: CallPlan): unknown {
  return index % 3 === 0 ? `caller ${index} left` : Object.assign(new Error('the caller left'), { index });
}

async function run(world: CallerWorld, result: CallResult): Promise<CallResult['outcome']> {
  const { router } = world;
  const { plan } = result;
  const options = optionsOf(result);
  if (plan.verb === 'embed') {
    const { data, route } = await router.embed(embedRequest(world, plan), options);
    Object.assign(result, { vectors: data.length, route });
    return 'answer';
  }
  if (plan.verb === 'chat') {
    const { choices, route } = await router.chat(chatRequest(world, plan), options);
    (result.segments[0] as Segment).text = choices[0].message.content ?? '';
    Object.assign(result, { route, contentOrder: world.next() });
    return 'answer';
  }
  const stream = await router.stream(chatRequest(world, plan), options);
  Object.assign(result, { stream, route: stream.route });
  return read(world, result, stream);
}

function optionsOf({ plan, signal }: CallResult): CallOptions {
  const { deadlineMs, maxAttempts, provider, allowPaid, onStreamFailure, hedge, intent, session, maxLocality } = plan;
  return { signal, deadlineMs, maxAttempts, provider, allowPaid, onStreamFailure, hedge, intent, session, maxLocality };
}

function chatRequest({ canary }: CallerWorld, { index, namesModel }: CallPlan): ChatRequest {
  const call = { id: 'call_1', type: 'function' as const, function: { name: 'look', arguments: `{"at":"${canary.toolArguments}"}` } };
  const history =
    index % 5 === 0
      ? [
          { role: 'system' as const, content: canary.systemPrompt },
          { role: 'user' as const, content: 'Look!' },
          { role: 'assistant' as const, content: null, reasoning_content: canary.reasoning, tool_calls: [call] },
          { role: 'tool' as const, tool_call_id: 'call_1', content: canary.toolResult },
        ]
      : [];
  return {
    ...(namesModel && { model: 'm' }),
    messages: [...history, { role: 'user', content: `request:${index}; ${canary.prompt}` }],
    ...(index % 7 === 0 && { user: canary.userField, extra: { vllm: { note: canary.extraField }, openai: { note: canary.extraField } } }),
  };
}

function embedRequest({ canary }: CallerWorld, { index, namesModel, inputs }: CallPlan): EmbedRequest {
  const texts = Array.from({ length: inputs }, (_, at) => `request:${index}; ${at} ${canary.embeddingInput}`);
  return { ...(namesModel && { model: 'e' }), input: inputs === 1 ? (texts[0] as string) : texts };
}

async function read(world: CallerWorld, result: CallResult, stream: ChatStream): Promise<CallResult['outcome']> {
  const { clock } = world;
  const { reading, leavesAfter, readGapMs } = result.plan;
  const take = (chunk: ChatChunk): void => takeChunk(world, result, chunk);
  if (reading === 'never') return 'left';
  if (reading === 'parallel') return readInParallel(result, stream, take);
  if (reading === 'return') {
    const iterator = stream[Symbol.asyncIterator]();
    for (let count = 0; count < leavesAfter; count++) {
      const { done, value } = await iterator.next();
      if (done === true) return 'answer';
      take(value);
    }
    await iterator.return?.();
    return 'left';
  }
  let count = 0;
  for await (const chunk of stream) {
    take(chunk);
    count += 1;
    if (reading === 'break' && count > leavesAfter) return 'left';
    if (reading === 'slow') await clock.sleep(readGapMs);
    if (reading === 'stall' && count === leavesAfter + 1) await clock.sleep(400_000);
  }
  return 'answer';
}

/** Several pieces are asked for before the first has come; they come in order all the same. */
async function readInParallel(result: CallResult, stream: ChatStream, take: (chunk: ChatChunk) => void): Promise<CallResult['outcome']> {
  const iterator = stream[Symbol.asyncIterator]();
  for (;;) {
    let isOver = false;
    const asked = Array.from({ length: 1 + (result.plan.leavesAfter % 3) }, async () => {
      const { done, value } = await iterator.next();
      if (done === true) isOver = true;
      else take(value);
    });
    for (const each of await Promise.allSettled(asked)) if (each.status === 'rejected') throw each.reason;
    if (isOver) return 'answer';
  }
}

function takeChunk(world: CallerWorld, result: CallResult, chunk: ChatChunk): void {
  result.lastPieceOrder = world.next();
  if (chunk.inferlane !== undefined) result.segments.push({ text: '', notice: chunk.inferlane });
  const content = chunk.choices[0]?.delta.content;
  if (!content) return;
  result.contentOrder ??= result.lastPieceOrder;
  (result.segments.at(-1) as Segment).text += content;
}
