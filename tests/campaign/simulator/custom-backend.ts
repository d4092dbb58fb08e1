import {
  type Adapter,
  type Call,
  type ChatAnswer,
  type ChatChunk,
  type ChatRequest,
  defineAdapter,
  type EmbedAnswer,
  type EmbedRequest,
  RouterError,
} from '../../../src/index.ts';
import { type Does, faultKind } from './fault-kinds.ts';
import { errorText, headersOf } from './sayings.ts';
import { teller } from './telling.ts';
import { closeCall, endCall, failsHealth, type FakeBackend, openCall, pace, type UpstreamCall, type World } from './upstream.ts';

/** The same behaviours without a wire between: what an adapter of one's own throws and gives. */
export function customBackend(world: World, backend: FakeBackend): Adapter {
  const { tells } = backend.machine;
  return defineAdapter({
    name: 'simulated',
    loadsOnDemand: backend.memory !== undefined,
    ...(tells !== undefined && { load: teller(world, backend, tells) }),
    capabilities: { tools: true },
    async chat({ request, signal }) {
      world.onSent?.(request);
      const call = openCall(world, backend, 'chat', sentText(request));
      await head(world, call, signal);
      return whole(world, call, signal, () => answerOf(call, request));
    },
    async stream({ request, signal }) {
      world.onSent?.(request);
      const call = openCall(world, backend, 'stream', sentText(request));
      await head(world, call, signal);
      return openChunks(world, call, signal);
    },
    async embed({ request, signal }: Call<EmbedRequest>) {
      const call = openCall(world, backend, 'embed', JSON.stringify(request.input));
      await head(world, call, signal);
      return whole(world, call, signal, () => vectorsOf(call, request));
    },
    async health() {
      const fails = failsHealth(world);
      await world.clock.sleep(20);
      if (fails) throw new RouterError('unavailable', 'It is not well.', { status: 500 });
      return { state: 'ok' };
    },
    models: async () => [{ id: 'm' }, { id: 'e' }],
  });
}

function sentText({ messages }: ChatRequest): string {
  return messages.map(({ content }) => (typeof content === 'string' ? content : '')).join('\n');
}

const doesOf = ({ kind }: UpstreamCall): Does => faultKind(kind).does;

/** Until the backend has taken the call, or refused it. */
async function head(world: World, call: UpstreamCall, signal: AbortSignal): Promise<void> {
  const does = doesOf(call);
  if (does.type === 'hangs') await never(world, call, signal, does.deaf === true);
  const { headMs } = pace(world, does.type === 'answers' && does.pace === 'slow');
  const loadMs = does.type === 'answers' ? (call.backend.memory?.ask(call.verb === 'embed' ? 'e' : 'm') ?? 0) : 0;
  await pause(world, call, signal, headMs + loadMs);
  if (does.type === 'foreign') throw ended(world, call, new TypeError('undefined is not a function'));
  if (does.type === 'throws' || does.type === 'status') throw ended(world, call, errorOf(world, call, does));
}

async function whole<Answer>(world: World, call: UpstreamCall, signal: AbortSignal, make: () => Answer): Promise<Answer> {
  await pause(world, call, signal, world.dice.whole(0, 60));
  call.tokensSent = call.tokens.length;
  endCall(world, call);
  closeCall(world, call);
  return make();
}

function errorOf(world: World, call: UpstreamCall, does: Does): RouterError {
  const [code = 'unavailable'] = faultKind(call.kind).codes;
  if (does.type !== 'status') return new RouterError(code, 'It broke.', { ...(does.type === 'throws' && { phase: does.phase }) });
  const { message } = errorText(does.says ?? 'plain', call, world);
  const after = Number(headersOf(does.headers, world)['retry-after']);
  const retryAfterMs = after > 0 ? Math.min(after * 1_000, 300_000) : undefined;
  // An adapter of one's own has to keep what servers repeat out of its messages.
  return new RouterError(code, does.says === 'echo' ? 'It went wrong.' : message, { status: does.status, retryAfterMs });
}

function ended<Value>(world: World, call: UpstreamCall, value: Value): Value {
  closeCall(world, call);
  return value;
}

/** Nothing ever comes; one that is deaf does not even hear that nobody waits any more. */
function never(world: World, call: UpstreamCall, signal: AbortSignal, isDeaf: boolean): Promise<never> {
  return new Promise((_, reject) => {
    if (isDeaf) return;
    const onAbort = (): void => reject(ended(world, call, signal.reason as Error));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

function pause(world: World, call: UpstreamCall, signal: AbortSignal, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(ended(world, call, signal.reason as Error));
    const onAbort = (): void => {
      cancel();
      reject(ended(world, call, signal.reason as Error));
    };
    const cancel = world.clock.at(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

const headOf = { id: 'c1', created: 0, model: 'm' } as const;

function answerOf(call: UpstreamCall, _request: ChatRequest): ChatAnswer {
  if (doesOf(call).type === 'wrong') return { ...headOf, object: 'chat.completion', choices: [] };
  const message = { role: 'assistant' as const, content: call.tokens.join('') };
  return { ...headOf, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] };
}

function vectorsOf(call: UpstreamCall, { input }: EmbedRequest): EmbedAnswer {
  const count = (typeof input === 'string' ? 1 : input.length) + (doesOf(call).type === 'wrong' ? 1 : 0);
  const data = Array.from({ length: count }, (_, index) => ({ object: 'embedding' as const, index, embedding: [0.5, 0.25] }));
  return { object: 'list', data, model: 'e' };
}

const chunkOf = (delta: ChatChunk['choices'][number]['delta'], finish: 'stop' | null = null): ChatChunk => ({
  ...headOf,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** A step of a stream: how long it takes, and what it gives or throws; without either nothing more comes. */
interface Step {
  readonly gives?: readonly ChatChunk[];
  readonly tokens?: number;
  readonly ends?: 'whole' | 'broken';
}

function openChunks(world: World, call: UpstreamCall, signal: AbortSignal): AsyncIterableIterator<readonly ChatChunk[]> {
  const does = doesOf(call);
  const { gapMs } = pace(world, does.type === 'answers' && does.pace === 'slow');
  const steps = stepsOf(world, call, does);
  let over = false;
  const stop = (): void => {
    over = true;
    closeCall(world, call);
  };
  const iterator: AsyncIterableIterator<readonly ChatChunk[]> = {
    async next() {
      const step = over ? { ends: 'whole' as const } : steps.shift();
      if (step === undefined) return never(world, call, signal, false);
      if (over) return { done: true, value: undefined };
      if (gapMs > 0) await pause(world, call, signal, gapMs);
      if (step.tokens !== undefined) call.tokensSent = step.tokens;
      if (step.gives !== undefined) return { done: false, value: step.gives };
      stop();
      if (step.ends === 'broken') throw brokenBy(call);
      endCall(world, call);
      return { done: true, value: undefined };
    },
    async return() {
      stop();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

function brokenBy(call: UpstreamCall): RouterError {
  const [code = 'unavailable'] = faultKind(call.kind).codes;
  return new RouterError(code, 'It broke on the way.');
}

function stepsOf({ dice }: World, call: UpstreamCall, does: Does): Step[] {
  const { tokens } = call;
  const said = tokens.map((content, index): Step => ({ gives: [chunkOf({ content })], tokens: index + 1 }));
  const all: Step[] = [{ gives: [chunkOf({ role: 'assistant' })] }, ...batched(said, dice.chance(0.3))];
  const end: Step[] = [{ gives: [chunkOf({}, 'stop')] }, { ends: 'whole' }];
  if (does.type !== 'breaks') return [...all, ...end];
  if (does.how === 'endless') return Array.from({ length: 400 }, (): Step => ({ gives: [chunkOf({ role: 'assistant' })] }));
  const kept = all.slice(0, does.where === 'preamble' ? dice.whole(0, 1) : dice.whole(2, all.length));
  return does.how === 'hang' ? kept : [...kept, { ends: 'broken' }];
}

/** Now and then a read holds several tokens. */
function batched(steps: readonly Step[], isBatched: boolean): Step[] {
  if (!isBatched || steps.length < 2) return [...steps];
  const [first, second, ...rest] = steps as [Step, Step, ...Step[]];
  return [{ gives: [...(first.gives ?? []), ...(second.gives ?? [])], tokens: second.tokens ?? 0 }, ...rest];
}
