import {
  type Adapter,
  type Call,
  type ChatAnswer,
  type ChatChunk,
  type ChunkBatches,
  defineAdapter,
  type ErrorCode,
  RouterError,
} from '../../index.ts';
import type { ReplayClock } from './clock.ts';
import type { Failures } from './failures.ts';
import { keptMs, keyOf, type Service, type Times } from './times.ts';
import type { TracedAttempt, TracedCall, TracedProvider } from './trace.ts';

/** How fast a provider is of which the trace knows nothing. */
export interface AssumedSpeed {
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
}

/** What all simulated providers share. */
export interface World {
  readonly clock: ReplayClock;
  readonly random: () => number;
  readonly times: Times;
  readonly failures: Failures;
  readonly assume: Readonly<Record<string, AssumedSpeed>>;
  /** The call that an id of a request stands for. */
  readonly callOf: (requestId: string) => TracedCall;
  /** Tokens of its answer: as they were, else as many as are usual. */
  readonly answerTokensOf: (call: TracedCall) => number;
  /** Hears of a provider that is asked and of which nothing is known. */
  readonly onUnknown: (provider: string) => void;
}

/** A provider that takes as long, and fails as it did in the trace. */
export function simulatedAdapter(provider: TracedProvider, world: World): Adapter {
  const { features, modelName, loadsOnDemand, embeds } = provider;
  const { clock } = world;
  const begin = createServer(provider, world);
  return defineAdapter({
    name: 'simulated',
    modelName,
    loadsOnDemand,
    listsAllModels: false,
    capabilities: Object.fromEntries(features.map((feature) => [feature, true])),
    async chat(call) {
      const { service, usage, leave } = await begin(call);
      await pause(clock, service.restMs, call.signal).finally(leave);
      return answerOf(call, usage);
    },
    stream: async (call) => flow(await begin(call), call, clock),
    ...(embeds && {
      async embed(call) {
        const { usage, leave } = await begin(call);
        leave();
        const { prompt_tokens: tokens } = usage;
        const counts = { prompt_tokens: tokens, total_tokens: tokens };
        return {
          object: 'list',
          model: call.model ?? 'simulated',
          usage: counts,
          data: [{ object: 'embedding', index: 0, embedding: [1] }],
        };
      },
    }),
  });
}

interface Begun {
  readonly service: Service;
  readonly usage: Usage;
  /** It breaks after its first content. */
  readonly failure: TracedAttempt | undefined;
  readonly leave: () => void;
}

type Usage = NonNullable<ChatAnswer['usage']>;

/** Takes calls up to their first content. It knows who is with it, and which models it has in memory. */
function createServer({ id, loadsOnDemand }: TracedProvider, world: World): (call: Call<unknown>) => Promise<Begun> {
  const { clock } = world;
  const servedMs = new Map<string, number>();
  let load = 0;
  return async (call) => {
    const traced = world.callOf(call.requestId);
    const nowMs = clock.nowMs();
    const key = keyOf(id, call.model);
    const isCold = loadsOnDemand && nowMs - (servedMs.get(key) ?? -Infinity) > keptMs;
    load += 1;
    let isLeft = false;
    const leave = (): void => {
      if (!isLeft) load -= 1;
      isLeft = true;
    };
    // An answer that is not needed any more may never have been looked at.
    call.signal.addEventListener('abort', leave, { once: true });
    try {
      const failure = world.failures.draw(id, call.model, nowMs, world.random);
      if (failure !== undefined && failure.firstContentMs === undefined) await fail(failure, call, clock);
      const service = serviceFor(id, call.model, traced, { load, isCold }, world);
      await pause(clock, failure?.firstContentMs ?? service.firstMs, call.signal);
      servedMs.set(key, clock.nowMs());
      return { service, usage: usageOf(traced, world), failure, leave };
    } catch (error) {
      leave();
      throw error;
    }
  };
}

function usageOf(traced: TracedCall, world: World): Usage {
  const completion = world.answerTokensOf(traced);
  const prompt = traced.usage?.promptTokens ?? traced.promptTokens;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function serviceFor(
  id: string,
  model: string | undefined,
  traced: TracedCall,
  state: { readonly load: number; readonly isCold: boolean },
  { times, assume, random, answerTokensOf, onUnknown }: World,
): Service {
  const { verb, promptTokens } = traced;
  const answerTokens = answerTokensOf(traced);
  const assumed = assume[id];
  if (assumed !== undefined) return assumedService(assumed, verb, answerTokens);
  const service = times.draw(id, model, { verb, promptTokens, answerTokens, ...state }, random);
  if (service !== undefined) return service;
  onUnknown(id);
  return { firstMs: 0, restMs: 0 };
}

function assumedService({ firstTokenMs, tokensPerSecond }: AssumedSpeed, verb: TracedCall['verb'], answerTokens: number): Service {
  if (verb === 'embed') return { firstMs: firstTokenMs, restMs: 0 };
  return { firstMs: firstTokenMs, restMs: (1_000 * answerTokens) / tokensPerSecond };
}

/** A limit of the router's ran out in the trace: the server says nothing, and the limits of this router decide. */
async function fail({ error, phase, status, retryAfterMs, ms }: TracedAttempt, call: Call<unknown>, clock: ReplayClock): Promise<never> {
  // That limit is kept by what connects, which is not there.
  const waitMs = error !== 'timeout' ? ms : phase === 'connect' ? (call.connectMs ?? ms) : Infinity;
  await pause(clock, waitMs, call.signal);
  throw new RouterError(error as ErrorCode, 'as in the trace.', { phase, status, retryAfterMs });
}

/** A stream moves at least so often, as servers' do. */
const pieceMs = 5_000;

async function* flow(
  { service, usage, failure, leave }: Begun,
  { model = 'simulated', signal }: Call<unknown>,
  clock: ReplayClock,
): ChunkBatches {
  const base = { id: 'simulated', object: 'chat.completion.chunk', created: 0, model } as const;
  const piece: ChatChunk = { ...base, choices: [{ index: 0, delta: { content: 'tokens' } }] };
  try {
    yield [piece];
    if (failure !== undefined) {
      const { error, ms, firstContentMs = 0 } = failure;
      await pause(clock, error === 'timeout' ? Infinity : ms - firstContentMs, signal);
      throw new RouterError(error as ErrorCode, 'as in the trace.', { phase: failure.phase, status: failure.status });
    }
    let restMs = service.restMs;
    for (; restMs > pieceMs; restMs -= pieceMs) {
      await pause(clock, pieceMs, signal);
      yield [piece];
    }
    await pause(clock, restMs, signal);
    yield [{ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }];
  } finally {
    leave();
  }
}

function answerOf({ model = 'simulated' }: Call<unknown>, usage: Usage): ChatAnswer {
  const choice = { index: 0, message: { role: 'assistant' as const, content: 'tokens' }, finish_reason: 'stop' as const };
  return { id: 'simulated', object: 'chat.completion', created: 0, model, choices: [choice], usage };
}

/** Waits, or rejects with the signal's reason. Infinity waits for the signal alone. */
function pause(clock: ReplayClock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      cancel?.();
      reject(signal.reason as Error);
    };
    const cancel =
      ms === Infinity
        ? undefined
        : clock.schedule(ms, () => {
            signal.removeEventListener('abort', onAbort);
            resolve();
          });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
