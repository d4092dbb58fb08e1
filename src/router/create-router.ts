import { EventEmitter } from 'eventemitter3';
import type { Adapter } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import { type Announce, createEmitter, type RouterEmitter } from '../core/events.ts';
import { providerTypes } from '../core/provider-types.ts';
import type { ChatCompletion, ChatRequest, EmbedAnswer, EmbeddingList, EmbedRequest, EmbedUsage, Usage } from '../core/types.ts';
import { adapters } from '../adapters/registry.ts';
import { createHttpClient } from '../lib/http.ts';
import { tunnelHeaders } from '../lib/tunnel.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { readEnv } from '../config/env.ts';
import type { CallOptions, RouterOptions } from '../config/options.ts';
import { resolveConfig } from '../config/resolve.ts';
import { createAffinity } from '../routing/affinity.ts';
import { createPrefixMemory } from '../routing/prefixes.ts';
import { runAttempts } from './attempts.ts';
import type { Attempt } from './attempt.ts';
import { type ChatStream, createChatStream } from './chat-stream.ts';
import { type Closing, createClosing } from './closing.ts';
import type { Engine } from './engine.ts';
import { checkHealth, listModels } from './health.ts';
import { createEmbeddingCanaries } from './embedding-canary.ts';
import { createEmbeddingSpaces } from './embedding-space.ts';
import { explain } from './explain.ts';
import { createHedgeLoad } from './hedge-delay.ts';
import { refreshLoads } from './monitor.ts';
import { createProvider } from './provider.ts';
import { resolveCall } from './resolve-call.ts';
import type { ProviderModel, Router } from './router.ts';
import { checkDefaultModels } from './model-check.ts';
import { beginRun, type Run } from './run.ts';
import { createStandings } from './standing.ts';
import { takeSnapshot } from './snapshot.ts';
import { streamVerb } from './stream-verb.ts';
import { chatFor, hasSchema, type SchemaRequest } from './structured.ts';

const usualDrainMs = 5_000;

/**
 * Builds a router. Without options the environment is read (`fromEnv`).
 * @throws {ConfigError} with every issue of the options at once.
 */
export function createRouter(options?: RouterOptions): Router {
  const given = options === undefined ? readEnv(environment()) : { options, warnings: [] };
  const { config, warnings } = resolveConfig(given.options);
  const emitter = createEmitter(new EventEmitter());
  const closing = createClosing(config.clock);
  const engine = createEngine(config, emitter, closing);
  // Listeners come after this function has returned.
  queueMicrotask(() => {
    for (const warning of [...given.warnings, ...warnings]) emitter.announce('config:warning', warning);
    if (closing.closed) return;
    refreshLoads(engine, config.maxLocality);
    if (config.checkModels) void checkDefaultModels(engine);
    void engine.canaries?.compareAll();
  });
  return createClient(engine, emitter, closing);
}

function createEngine(config: RouterConfig, { announce }: RouterEmitter, { shutdown }: Closing): Engine {
  const enabled = config.providers.filter((provider) => provider.enabled);
  const providers = new Map(
    enabled.map((provider) => [provider.id, createProvider(provider, createAdapter(provider, config, announce), config, announce)]),
  );
  const list = [...providers.values()];
  return {
    config,
    providers,
    list,
    standings: createStandings(config, list),
    affinity: createAffinity(),
    prefixes: createPrefixMemory(),
    spaces: createEmbeddingSpaces(),
    canaries: config.checkEmbeddings ? createEmbeddingCanaries({ config, providers, announce, shutdown }) : undefined,
    poll: { dueMs: -Infinity },
    announce,
    shutdown,
    hedgeLoad: createHedgeLoad(config.hedge),
  };
}

function createAdapter(provider: ProviderConfig, config: RouterConfig, announce: Announce): Adapter {
  const { transport, clock, timeouts: routerTimeouts } = config;
  if (provider.adapter !== undefined) return provider.adapter;
  if (provider.type === 'custom') throw new RouterError('invalid_config', `providers.${provider.id}: a custom provider needs an adapter.`);
  const { id, type, url = '', headers, apiKey, timeouts } = provider;
  const row = providerTypes[type];
  const http = createHttpClient({
    provider: id,
    url,
    headers: { ...row.headers, ...tunnelHeaders(url), ...headers },
    keyHeader: row.keyHeader,
    apiKey,
    transport,
    clock,
    connectMs: timeouts.connectMs ?? routerTimeouts.connectMs,
    onReplaced: (requestId) => announce('retry', { requestId, provider: id, model: undefined, reason: 'stale_socket', delayMs: 0 }),
  });
  const { modelPath, embeddingModelPath, embeddingModel, threads, contextSize, keepAliveS, dialect, stripPrompt, reply } = provider;
  const own = { modelPath, embeddingModelPath, embeddingModel, threads, contextSize, keepAliveS, dialect, stripPrompt, reply };
  return adapters[type]({ provider: id, http, ...own });
}

function createClient(engine: Engine, emitter: RouterEmitter, closing: Closing): Router {
  const { providers } = engine;
  const router: Router = {
    chat: chatVerb(engine, closing),
    stream: async (request, options = {}) => stream(begin(engine, closing, 'stream', request, options)),
    embed: async (request, options = {}) => embed(begin(engine, closing, 'embed', request, options)),
    async health({ signal } = {}) {
      closing.assertOpen();
      return checkHealth(engine, signal);
    },
    async models({ signal } = {}) {
      closing.assertOpen();
      const lists = await Promise.allSettled([...providers.values()].map((provider) => listModels(provider, engine, signal)));
      signal?.throwIfAborted();
      return [...providers.keys()].flatMap((provider, index): ProviderModel[] => {
        const list = lists[index];
        return list?.status === 'fulfilled' ? (list.value ?? []).map((model) => ({ ...model, provider })) : [];
      });
    },
    explain: (request, options = {}) => explain(engine, request, options),
    unpin: ({ provider, model } = {}) =>
      engine.list.reduce((count, each) => count + (provider === undefined || each.id === provider ? each.unpin(model) : 0), 0),
    snapshot: () => takeSnapshot(engine, closing.inFlight, closing.closed),
    on: (name, listener) => (emitter.on(name, listener), router),
    once: (name, listener) => (emitter.once(name, listener), router),
    off: (name, listener) => (emitter.off(name, listener), router),
    close: ({ drainMs = usualDrainMs } = {}) =>
      closing.close(
        [...providers.values()].map(({ adapter }) => adapter),
        drainMs,
      ),
    [Symbol.asyncDispose]: () => router.close(),
  };
  return router;
}

/** A schema as `response_format` makes up to two calls of one, within one deadline. */
function chatVerb(engine: Engine, closing: Closing): Router['chat'] {
  const once = async (request: ChatRequest, options: CallOptions): Promise<ChatCompletion> =>
    chat(begin(engine, closing, 'chat', request, options));
  const either = async (request: ChatRequest | SchemaRequest<unknown>, options: CallOptions = {}): Promise<ChatCompletion> => {
    if (!hasSchema(request)) return once(request, options);
    let endsAtMs: number | undefined;
    return chatFor(request, options.repair === true, (asked) => {
      const run = begin(engine, closing, 'chat', asked, withDeadline(options, endsAtMs, engine));
      endsAtMs ??= run.call.endsAtMs;
      return chat(run);
    });
  };
  return either as Router['chat'];
}

function withDeadline(options: CallOptions, endsAtMs: number | undefined, { config: { clock } }: Engine): CallOptions {
  return endsAtMs === undefined ? options : { ...options, deadlineMs: Math.max(1, endsAtMs - clock.nowMs()) };
}

/** Settles the options and opens the books of one call. From here on it ends with exactly one event, and is counted out. */
function begin<Verbed extends 'chat' | 'stream' | 'embed'>(
  engine: Engine,
  closing: Closing,
  verb: Verbed,
  request: Verbed extends 'embed' ? EmbedRequest : ChatRequest,
  options: CallOptions,
): Run<typeof request> {
  const call = resolveCall(verb, request, options, engine.config);
  closing.enter();
  try {
    return beginRun(call, engine, () => closing.leave());
  } catch (error) {
    closing.leave();
    throw error;
  }
}

async function chat(run: Run<ChatRequest>): Promise<ChatCompletion> {
  const answer = await settle(run, async (attempt) => {
    const given = await attempt.deadline.waitFor(attempt.provider.adapter.chat(attempt.call));
    if (given.choices[0] === undefined) throw noAnswer(attempt, 'no choice');
    return given as Omit<ChatCompletion, 'route'>;
  });
  // Adapters have no clock, so an answer that came without a time gets its own here.
  if (answer.created === 0) answer.created = Math.floor(run.engine.config.clock.wallMs() / 1_000);
  return answer;
}

async function embed(run: Run<EmbedRequest>): Promise<EmbeddingList> {
  const { input } = run.call.request;
  const count = typeof input === 'string' ? 1 : input.length;
  if (run.plan.space !== undefined) run.engine.canaries?.compareAgain(run.plan.space, run.call);
  return settle(run, async (attempt) => {
    const { adapter } = attempt.provider;
    if (adapter.embed === undefined) throw noAnswer(attempt, 'no embeddings');
    const answer = await attempt.deadline.waitFor(adapter.embed(attempt.call));
    if (answer.data.length !== count) throw noAnswer(attempt, `${answer.data.length} vectors for ${count} inputs`);
    checkVectors(run, attempt.candidate.provider, answer);
    return answer;
  });
}

/** A vector of another space would spoil whatever the caller keeps the others in. A stand-in's are no vectors of any. */
function checkVectors({ plan, call, engine }: Run<EmbedRequest>, provider: string, { data, degraded }: EmbedAnswer): void {
  if (plan.space === undefined || degraded) return;
  engine.spaces.check(
    plan.space,
    call.request.dimensions,
    provider,
    data.map(({ embedding }) => embedding),
  );
}

async function stream(run: Run<ChatRequest>): Promise<ChatStream> {
  try {
    return createChatStream(run, await runAttempts(run, streamVerb(run)));
  } catch (error) {
    throw run.fail(error);
  }
}

/** Runs the attempts of a verb whose answer comes whole, and writes the route beside the answer. */
async function settle<Request, Answer extends { readonly usage?: Usage | EmbedUsage; readonly degraded?: true }>(
  run: Run<Request>,
  open: (attempt: Attempt<Request>) => Promise<Answer>,
): Promise<Answer & { route: Run<Request>['trace'] }> {
  try {
    const { attempt, result } = await runAttempts(run, { open, drop: () => undefined });
    attempt.succeed();
    if (result.degraded) run.trace.degraded = true;
    run.end(result.usage, false);
    // A copy: an adapter may give out one and the same answer many times.
    return { ...result, route: run.trace };
  } catch (error) {
    throw run.fail(error);
  }
}

function noAnswer({ candidate }: Attempt<unknown>, what: string): RouterError<'bad_response'> {
  return new RouterError('bad_response', `${candidate.provider}: the answer holds ${what}.`, { provider: candidate.provider });
}

/** Every runtime but a browser has one. */
function environment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env ?? {};
}
