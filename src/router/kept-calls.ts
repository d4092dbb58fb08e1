import { answerToChunks } from '../core/collect.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { RouteTrace } from '../core/route.ts';
import type { ChatAnswer, ChatChunk, ChatCompletion, ChatRequest, EmbeddingList, EmbedRequest } from '../core/types.ts';
import { copyJson } from '../cache/copy-json.ts';
import type { Entry } from '../cache/entry.ts';
import { type SharedBatches, shareBatches } from '../cache/shared-batches.ts';
import { runAttempts } from './attempts.ts';
import { type Books, carryOut, enterCall, startCall } from './begin-call.ts';
import { type ChatStream, chatStream } from './chat-stream.ts';
import { type Engine, holdEngine } from './engine.ts';
import { notedReader, sizeOf, type Wish } from './kept-answers.ts';
import type { ResolvedCall } from './resolve-call.ts';
import type { Run } from './run.ts';
import { type BeginShared, ride, type Rider } from './share-call.ts';
import { createReader, type StreamReader } from './stream-reader.ts';
import { streaming } from './stream-verb.ts';
import type { Live } from './verbs.ts';

// Calls whose answers may be kept, come from what was kept, or be shared with identical calls under way.

/** The whole answer: the kept one, that of an identical call, or its own. */
export async function answerKept<Request extends ChatRequest | EmbedRequest, Answer extends ChatCompletion | EmbeddingList>(
  live: Readonly<Live>,
  call: ResolvedCall<Request>,
  wish: Wish,
  work: (run: Run<Request>) => Promise<Answer>,
): Promise<Answer> {
  const { engine } = live;
  const leave = enterCall(live, call);
  if (wish.flight === undefined) return findOrAsk(call, live, wish, leave, work);
  const begin: BeginShared<Request, Answer> = async (shared, quiet, flight) => {
    try {
      return await findOrAsk(shared, { ...live, engine: quiet }, wish, holdEngine(quiet), work);
    } finally {
      flight.close();
    }
  };
  const rider = ride(call, engine, wish.flight, leave, begin);
  try {
    const answer = copyJson(await rider.whole());
    const route = rider.routeFrom(answer.route);
    rider.end(route, false);
    return { ...answer, route };
  } catch (error) {
    throw rider.fail(error);
  }
}

async function findOrAsk<Request extends ChatRequest | EmbedRequest, Answer extends ChatCompletion | EmbeddingList>(
  call: ResolvedCall<Request>,
  books: Books,
  wish: Wish,
  leave: () => void,
  work: (run: Run<Request>) => Promise<Answer>,
): Promise<Answer> {
  const { engine } = books;
  const finding = engine.kept?.find(call, wish, engine);
  const entry = finding && (await finding);
  if (entry !== undefined) return { ...entry.answer, route: hit(call, engine, entry, leave) } as Answer;
  return carryOut(startCall(call, books, leave), async (run) => {
    const answer = await work(run);
    engine.kept?.keep(call, wish, answer, { route: answer.route, space: run.plan.space });
    return answer;
  });
}

/** Nobody is asked, so there is nothing to plan, to wait for or to learn. */
function hit(call: ResolvedCall<ChatRequest | EmbedRequest>, engine: Engine, entry: Entry, leave: () => void): RouteTrace {
  const { requestId, verb, intent, request, startedAtMs } = call;
  const { provider, model, answer } = entry;
  engine.announce('request:start', { requestId, verb, model: request.model, intent });
  leave();
  const ms = engine.config.clock.nowMs() - startedAtMs;
  const { usage } = answer;
  engine.announce('request:end', {
    requestId,
    provider,
    model,
    ms,
    attempts: 0,
    usage,
    costUsd: undefined,
    cached: true,
    abandoned: false,
  });
  return {
    requestId,
    provider,
    model,
    intent,
    attempts: [],
    skipped: [],
    queuedMs: 0,
    degraded: false,
    substituted: false,
    truncated: false,
    cached: true,
    hedged: false,
  };
}

/** A stream before it is handed on. */
interface OpenBatches {
  readonly reader: StreamReader;
  readonly begun: readonly ChatChunk[];
  readonly route: RouteTrace;
}

/** A stream of the kept answer, of the answer to an identical call, or of its own. */
export async function streamKept(live: Readonly<Live>, call: ResolvedCall<ChatRequest>, wish: Wish): Promise<ChatStream> {
  const { engine } = live;
  const leave = enterCall(live, call);
  if (wish.flight === undefined) {
    const { reader, begun, route } = await openBatches(call, live, wish, leave);
    return chatStream(reader, begun, route);
  }
  const rider = ride(call, engine, wish.flight, leave, beginShared(live, wish));
  try {
    const shared = await rider.whole();
    const route = rider.routeFrom(shared.route);
    return chatStream(riderReader(rider, shared, route), [], route);
  } catch (error) {
    throw rider.fail(error);
  }
}

async function openBatches(call: ResolvedCall<ChatRequest>, books: Books, wish: Wish, leave: () => void): Promise<OpenBatches> {
  const { engine } = books;
  const { kept } = engine;
  const finding = kept?.find(call, wish, engine);
  const entry = finding && (await finding);
  if (entry !== undefined) {
    const begun = answerToChunks(entry.answer as ChatAnswer);
    return { reader: replayReader(call), begun, route: hit(call, engine, entry, leave) };
  }
  return carryOut(startCall(call, books, leave), async (run) => {
    try {
      const opened = await runAttempts(run, streaming);
      const { begun } = opened.result;
      const route = run.trace;
      const onWhole = (answer: ChatAnswer): void => kept?.keep(call, wish, answer, { route, space: undefined });
      const reader = createReader(run, opened);
      return { reader: wish.store === undefined ? reader : notedReader(reader, begun, onWhole), begun, route };
    } catch (error) {
      throw run.fail(error);
    }
  });
}

/** Of what has all been read already: only the caller's abort can still come. */
function replayReader({ signal }: ResolvedCall<unknown>): StreamReader {
  let isOver = false;
  let isLeft = false;
  const isBroken = (): boolean => !isOver && signal?.aborted === true;
  return {
    isBroken,
    isLeft: () => isLeft,
    async read() {
      const broken = isBroken();
      isOver = true;
      if (broken) throw signal?.reason;
      return undefined;
    },
    leave() {
      isOver = true;
      isLeft = true;
    },
  };
}

/** A stream that several calls read. */
interface SharedStream {
  readonly batches: SharedBatches<readonly ChatChunk[]>;
  /** It grows while the stream goes on. */
  readonly route: RouteTrace;
}

/** About the characters that are kept for those who come late, and for the slow ones. */
const mostKept = 4_000_000;

function beginShared(live: Books, wish: Wish): BeginShared<ChatRequest, SharedStream> {
  return async (call, engine, flight) => {
    const { reader, begun, route } = await openBatches(call, { ...live, engine }, wish, holdEngine(engine));
    flight.onEmpty = () => {
      flight.close();
      reader.leave();
    };
    if (flight.isEmpty()) flight.onEmpty(true);
    const batches = shareBatches<readonly ChatChunk[]>({
      next: () => reader.read(),
      begun,
      sizeOf: (batch) => batch.reduce((sum, chunk) => sum + sizeOf(chunk), 0),
      mostKept,
      onClosed: flight.close,
    });
    return { batches, route };
  };
}

/** One call's own reading of a shared stream. `own`: its route, which is complete when it has ended. */
function riderReader(rider: Rider<SharedStream>, { batches, route }: SharedStream, own: RouteTrace): StreamReader {
  const tail = batches.open();
  let isOver = false;
  let isLeft = false;
  let broken: { readonly error: unknown } | undefined;
  const end = (tell: () => void): void => {
    isOver = true;
    tail.leave();
    tell();
    Object.assign(own, rider.routeFrom(route));
  };
  rider.onCut((error) => {
    if (!isOver) end(() => (broken = { error: rider.fail(interrupted(error, route)) }));
  });
  const over = (): undefined => {
    const told = broken;
    broken = undefined;
    if (told !== undefined && !isLeft) throw told.error;
    return undefined;
  };
  return {
    isBroken: () => broken !== undefined,
    isLeft: () => isLeft,
    async read() {
      if (isOver) return over();
      try {
        const batch = await rider.waitFor(tail.read());
        if (batch === undefined) end(() => rider.end(route, false));
        return batch && copyJson(batch);
      } catch (error) {
        if (!isOver) end(() => (broken = { error: rider.fail(error) }));
        return over();
      }
    },
    leave() {
      isLeft = true;
      if (!isOver) end(() => rider.end(route, true));
    },
  };
}

/** The time of one call is over, and it has got content: as for every stream that breaks then. */
function interrupted(error: unknown, { provider, model }: RouteTrace): unknown {
  if (!isRouterError(error, 'timeout')) return error;
  const { message, phase, stoppedBecause } = error;
  const told = `The stream broke after content had been delivered; what came stands. ${message}`;
  return new RouterError('stream_interrupted', told, { provider, model, phase, stoppedBecause, cause: error });
}
