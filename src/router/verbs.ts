import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatCompletion, ChatRequest, EmbedAnswer, EmbeddingList, EmbedRequest, EmbedUsage, Usage } from '../core/types.ts';
import { openDeadline } from '../lib/deadline.ts';
import type { CallOptions } from '../config/options.ts';
import type { Candidate } from '../routing/plan.ts';
import { runAttempts } from './attempts.ts';
import type { Attempt } from './attempt.ts';
import { type ChatStream, createChatStream } from './chat-stream.ts';
import type { Closing } from './closing.ts';
import { type Engine, holdEngine } from './engine.ts';
import { checkBefore } from './health-monitor.ts';
import { type ResolvedCall, resolveCall } from './resolve-call.ts';
import type { Router, TriedChat } from './router.ts';
import { beginRun, type Run } from './run.ts';
import { streamVerb } from './stream-verb.ts';
import { chatFor, hasSchema, type SchemaRequest } from './structured.ts';

/** What the verbs work with: the configuration of now, and the books of all calls. */
export interface Live {
  /** Replaced by `update()`; a call stays with the one that it began with. */
  engine: Engine;
  readonly closing: Closing;
}

export function createVerbs(live: Live): Pick<Router, 'chat' | 'stream' | 'embed' | 'tryChat'> {
  const chat = chatVerb(live);
  return {
    chat,
    tryChat: (request, options) => tryChat(chat(request, options)),
    stream: async (request, options = {}) => carryOut(begin(live, 'stream', request, options), stream),
    embed: async (request, options = {}) => carryOut(begin(live, 'embed', request, options), embed),
  };
}

/** A schema as `response_format` makes up to two calls of one, within one deadline. */
function chatVerb(live: Live): Router['chat'] {
  const once = async (request: ChatRequest, options: CallOptions): Promise<ChatCompletion> =>
    carryOut(begin(live, 'chat', request, options), chat);
  const either = async (request: ChatRequest | SchemaRequest<unknown>, options: CallOptions = {}): Promise<ChatCompletion> => {
    if (!hasSchema(request)) return once(request, options);
    let endsAtMs: number | undefined;
    // Both on one configuration.
    const { engine, closing } = live;
    const leave = holdEngine(engine);
    const ask = (asked: ChatRequest): Promise<ChatCompletion> =>
      carryOut(begin({ engine, closing }, 'chat', asked, withDeadline(options, endsAtMs, engine)), (run) => {
        endsAtMs ??= run.call.endsAtMs;
        return chat(run);
      });
    try {
      return await chatFor(request, options.repair === true, ask);
    } finally {
      leave();
    }
  };
  return either as Router['chat'];
}

function withDeadline(options: CallOptions, endsAtMs: number | undefined, { config: { clock } }: Engine): CallOptions {
  return endsAtMs === undefined ? options : { ...options, deadlineMs: Math.max(1, endsAtMs - clock.nowMs()) };
}

/** Settles the options and opens the books of one call. From here on it ends with exactly one event, and is counted out. */
function begin<Verbed extends 'chat' | 'stream' | 'embed'>(
  { engine, closing }: Readonly<Live>,
  verb: Verbed,
  request: Verbed extends 'embed' ? EmbedRequest : ChatRequest,
  options: CallOptions,
): Run<typeof request> | Promise<Run<typeof request>> {
  const { calls, config } = engine;
  const call = resolveCall(verb, request, options, config);
  closing.enter();
  const letGo = holdEngine(engine);
  calls.lastMs = call.startedAtMs;
  const leave = (): void => {
    closing.leave();
    letGo();
  };
  const start = (): Run<typeof request> => {
    try {
      return beginRun(call, engine, leave);
    } catch (error) {
      leave();
      throw error;
    }
  };
  const checks = config.health.mode === 'per-request' ? checkBefore(engine, call) : undefined;
  return checks === undefined ? start() : inTime(checks, call, engine).then(start);
}

/** In the same turn, where nothing has to be waited for: calls go in the order in which they were made. */
function carryOut<Request, Answer>(
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

async function tryChat(answer: Promise<ChatCompletion>): Promise<TriedChat> {
  try {
    const given = await answer;
    const { content } = given.choices[0]?.message ?? {};
    return { success: true, provider: given.route.provider, content: content ?? '', answer: given };
  } catch (error) {
    if (!isRouterError(error)) throw error;
    return { success: false, provider: error.provider, errorMessage: error.message, error };
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
    checkVectors(run, attempt.candidate, answer);
    return answer;
  });
}

/** A vector of another space would spoil whatever the caller keeps the others in. A stand-in's are no vectors of any. */
function checkVectors({ plan, call, engine }: Run<EmbedRequest>, { provider, model }: Candidate, { data, degraded }: EmbedAnswer): void {
  if (plan.space === undefined || degraded) return;
  engine.spaces.check(
    plan.space,
    call.request.dimensions,
    provider,
    data.map(({ embedding }) => embedding),
    model,
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
