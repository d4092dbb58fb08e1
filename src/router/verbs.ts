import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatCompletion, ChatRequest, EmbedAnswer, EmbeddingList, EmbedRequest, EmbedUsage, Usage } from '../core/types.ts';
import type { CallOptions } from '../config/call-options.ts';
import type { Candidate } from '../routing/plan.ts';
import { runAttempts } from './attempts.ts';
import type { Attempt } from './attempt.ts';
import { enterCall, startCall, whenStarted } from './begin-call.ts';
import type { Opener } from './carry-out.ts';
import { type ChatStream, createChatStream } from './chat-stream.ts';
import type { Closing } from './closing.ts';
import { type Engine, holdEngine } from './engine.ts';
import { answerKept } from './kept-calls.ts';
import { streamKept } from './kept-streams.ts';
import { streamOpener } from './open-stream.ts';
import { checkOptions, type ResolvedCall, resolveCall } from './resolve-call.ts';
import type { Recorders } from './recorder.ts';
import type { Router, TriedChat } from './router.ts';
import type { Run } from './run.ts';
import { chatFor, hasSchema, type ParsedCompletion, type SchemaRequest } from './structured.ts';

/** What the verbs work with: the configuration of now, and the books of all calls. */
export interface Live {
  /** Replaced by `update()`; a call stays with the one that it began with. */
  engine: Engine;
  readonly closing: Closing;
  readonly recorders: Recorders;
}

export function createVerbs(live: Live): Pick<Router, 'chat' | 'stream' | 'embed' | 'tryChat'> {
  const chat = chatVerb(live);
  return {
    chat,
    tryChat: (request, options) => tryChat(chat(request, options)),
    stream(request, options = {}) {
      try {
        const { engine } = live;
        const call = resolveCall('stream', request, options, engine.config);
        const wish = engine.kept?.wishOf(call);
        return wish === undefined ? whenStarted(startCall(call, live, enterCall(live, call)), stream) : streamKept(live, call, wish);
      } catch (error) {
        return refused(error);
      }
    },
    embed: async (request, options = {}) => ask(live, resolveCall('embed', request, options, live.engine.config), embed),
  };
}

/** A schema as `response_format` makes up to two calls of one, within one deadline. */
function chatVerb(live: Live): Router['chat'] {
  const valued = async (request: SchemaRequest<unknown>, options: CallOptions): Promise<ChatCompletion> => {
    checkOptions(options);
    let endsAtMs: number | undefined;
    // Both on one configuration.
    const { engine, closing, recorders } = live;
    const leave = holdEngine(engine);
    const once = (asked: ChatRequest, more: CallOptions): Promise<ChatCompletion> => {
      const call = resolveCall('chat', asked, { ...withDeadline(options, endsAtMs, engine), ...more }, engine.config);
      endsAtMs ??= call.endsAtMs;
      return ask({ engine, closing, recorders }, call, chat);
    };
    try {
      return await chatFor(request, options.repair === true, once);
    } finally {
      leave();
    }
  };
  function chatOrValue(request: ChatRequest, options?: CallOptions): Promise<ChatCompletion>;
  function chatOrValue<Value>(request: SchemaRequest<Value>, options?: CallOptions): Promise<ParsedCompletion<Value>>;
  function chatOrValue(request: ChatRequest | SchemaRequest<unknown>, options: CallOptions = {}): Promise<ChatCompletion> {
    try {
      return hasSchema(request) ? valued(request, options) : ask(live, resolveCall('chat', request, options, live.engine.config), chat);
    } catch (error) {
      return refused(error);
    }
  }
  return chatOrValue;
}

/** Verbs are not async functions: a promise that is only passed on would be waited for three turns. */
function refused(error: unknown): Promise<never> {
  return Promise.reject(error as Error);
}

function withDeadline(options: CallOptions, endsAtMs: number | undefined, { config: { clock } }: Engine): CallOptions {
  return endsAtMs === undefined ? options : { ...options, deadlineMs: Math.max(1, endsAtMs - clock.nowMs()) };
}

/** In the same turn, where nothing has to be waited for: calls go in the order in which they were made. */
function ask<Request extends ChatRequest | EmbedRequest, Answer extends ChatCompletion | EmbeddingList>(
  live: Readonly<Live>,
  call: ResolvedCall<Request>,
  work: (run: Run<Request>) => Promise<Answer>,
): Promise<Answer> {
  const wish = live.engine.kept?.wishOf(call);
  if (wish !== undefined) return answerKept(live, call, wish, work);
  return whenStarted(startCall(call, live, enterCall(live, call)), work);
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

type WholeChat = Omit<ChatCompletion, 'route'>;

const chatOpener: Opener<ChatRequest, WholeChat> = {
  open: ({ deadline, provider, call }) => deadline.waitFor(provider.adapter.chat(call) as Promise<WholeChat>),
  check(given, attempt, { engine }) {
    if (given.choices[0] === undefined) throw noAnswer(attempt, 'no choice');
    // Adapters have no clock, so an answer that came without a time gets its own here; a copy, as it may be given out many times.
    return given.created === 0 ? { ...given, created: Math.floor(engine.config.clock.wallMs() / 1_000) } : given;
  },
  drop: () => undefined,
};

const chat = (run: Run<ChatRequest>): Promise<ChatCompletion> => wholeAnswer(run, chatOpener);

const embedOpener: Opener<EmbedRequest, EmbedAnswer> = {
  open(attempt) {
    const { adapter } = attempt.provider;
    if (adapter.embed === undefined) throw noAnswer(attempt, 'no embeddings');
    return attempt.deadline.waitFor(adapter.embed(attempt.call));
  },
  check(answer, attempt, run) {
    const { input } = run.call.request;
    const count = typeof input === 'string' ? 1 : input.length;
    if (answer.data.length !== count) throw noAnswer(attempt, `${answer.data.length} vectors for ${count} inputs`);
    checkVectors(run, attempt.candidate, answer);
    return answer;
  },
  drop: () => undefined,
};

async function embed(run: Run<EmbedRequest>): Promise<EmbeddingList> {
  if (run.plan.space !== undefined) run.engine.canaries?.compareAgain(run.plan.space, run.call);
  return wholeAnswer(run, embedOpener);
}

/** A vector of another space would spoil whatever the caller keeps the others in. A stand-in's are no vectors of any. */
function checkVectors({ plan, call, engine }: Run<EmbedRequest>, { provider, model }: Candidate, { data, degraded }: EmbedAnswer): void {
  if (plan.space === undefined || degraded) return;
  const vectors = data.map(({ embedding }) => embedding);
  engine.spaces.check({ space: plan.space, dimensions: call.request.dimensions, provider, model, vectors });
}

async function stream(run: Run<ChatRequest>): Promise<ChatStream> {
  try {
    return createChatStream(run, await runAttempts(run, streamOpener));
  } catch (error) {
    throw run.fail(error);
  }
}

/** Runs the attempts of a call whose answer comes whole, and writes the route beside the answer. */
async function wholeAnswer<Request, Answer extends { readonly usage?: Usage | EmbedUsage; readonly degraded?: true }>(
  run: Run<Request>,
  opener: Opener<Request, Answer>,
): Promise<Answer & { route: Run<Request>['trace'] }> {
  try {
    const { attempt, result } = await runAttempts(run, opener);
    attempt.succeed(result.usage);
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
