import { answerToChunks, createCollector } from '../core/collect.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { RouteTrace } from '../core/route.ts';
import type { ChatAnswer, ChatChunk, ChatRequest } from '../core/types.ts';
import { copyJson } from '../cache/copy-json.ts';
import { longestEntry } from '../cache/entry.ts';
import { type SharedBatches, shareBatches } from '../cache/shared-batches.ts';
import { nextOf, pending, PolledPromises } from '../lib/polled.ts';
import { runAttempts } from './attempts.ts';
import { enterCall, type Entrance, startCall, whenStarted } from './begin-call.ts';
import { type ChatStream, chatStream } from './chat-stream.ts';
import { holdEngine } from './engine.ts';
import type { Wish } from './kept-answers.ts';
import { hit } from './kept-calls.ts';
import { streamOpener } from './open-stream.ts';
import type { ResolvedCall } from './resolve-call.ts';
import { type BeginShared, ride, type Rider } from './share-call.ts';
import { createReader, type StreamReader } from './stream-reader.ts';
import type { Live } from './verbs.ts';

// Streams whose answers may be kept, come from what was kept, or be shared with identical calls under way.

/** A stream before it is handed on. */
interface OpenBatches {
  readonly reader: StreamReader;
  readonly begun: readonly ChatChunk[];
  readonly route: RouteTrace;
}

/** A stream of the kept answer, of the answer to an identical call, or of its own. */
export async function streamKept(live: Readonly<Live>, call: ResolvedCall<ChatRequest>, wish: Wish): Promise<ChatStream> {
  const leave = enterCall(live, call);
  if (wish.flight === undefined) {
    const { reader, begun, route } = await openBatches(call, live, wish, leave);
    return chatStream(reader, begun, route);
  }
  const rider = ride(call, live, wish.flight, leave, beginShared(live, wish));
  try {
    const shared = await rider.whole();
    const route = rider.routeFrom(shared.route);
    return chatStream(riderReader(rider, shared, route), [], route);
  } catch (error) {
    throw rider.fail(error);
  }
}

async function openBatches(call: ResolvedCall<ChatRequest>, entrance: Entrance, wish: Wish, leave: () => void): Promise<OpenBatches> {
  const { engine } = entrance;
  const { kept } = engine;
  const finding = kept?.find(call, wish, engine);
  const entry = finding && (await finding);
  if (entry !== undefined) {
    const begun = answerToChunks(entry.answer as ChatAnswer);
    return { reader: replayReader(call), begun, route: hit(call, entrance, entry, leave) };
  }
  return whenStarted(startCall(call, entrance, leave), async (run) => {
    try {
      const opened = await runAttempts(run, streamOpener);
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
    poll() {
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

function beginShared(live: Entrance, wish: Wish): BeginShared<ChatRequest, SharedStream> {
  return async (call, engine, flight) => {
    const { reader, begun, route } = await openBatches(call, { ...live, engine }, wish, holdEngine(engine));
    const onEmpty = (): void => {
      flight.close();
      reader.leave();
    };
    flight.onEmpty = onEmpty;
    if (flight.isEmpty()) onEmpty();
    const batches = shareBatches<readonly ChatChunk[]>({
      next: () => nextOf(reader),
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
  const reads = new PolledPromises(
    () => rider.waitFor(tail.read()),
    (batch) => batch,
  );
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
    poll(wake) {
      if (isOver) return over();
      try {
        const batch = reads.poll(wake);
        if (batch === pending) return pending;
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

/** The reader of a stream, with its answer put together beside it; `onWhole` is called once, at an end that is one. */
function notedReader(reader: StreamReader, begun: readonly ChatChunk[], onWhole: (answer: ChatAnswer) => void): StreamReader {
  const collector = createCollector();
  let isWhole = true;
  let size = 0;
  const note = (batch: readonly ChatChunk[]): void => {
    for (const chunk of batch) {
      size += sizeOf(chunk);
      if (chunk.inferlane !== undefined || size > longestEntry) isWhole = false;
      if (isWhole) collector.add(chunk);
    }
  };
  const end = (): void => {
    if (!isWhole || reader.isLeft()) return;
    isWhole = false;
    const answer = collector.answer();
    if (answer.choices.length > 0) onWhole(answer);
  };
  note(begun);
  // By name: a reader is of a class, and a spread would leave its methods behind.
  return {
    isBroken: () => reader.isBroken(),
    isLeft: () => reader.isLeft(),
    leave: () => reader.leave(),
    poll(wake) {
      try {
        const batch = reader.poll(wake);
        if (batch === undefined) end();
        else if (batch !== pending) note(batch);
        return batch;
      } catch (error) {
        isWhole = false;
        throw error;
      }
    },
  };
}

/** About the characters of its JSON, for bounds. */
function sizeOf({ choices }: ChatChunk): number {
  let size = 100;
  for (const { delta } of choices) {
    size += 100 + (delta.content?.length ?? 0) + (delta.reasoning_content?.length ?? 0);
    for (const call of delta.tool_calls ?? []) size += 100 + (call.function?.arguments?.length ?? 0);
  }
  return size;
}
