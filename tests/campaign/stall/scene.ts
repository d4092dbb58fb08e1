import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { ChatRequest, ChatStream, Router } from '../../../src/index.ts';
import type { Question } from './server.ts';

/** What is awaited while the loop is blocked: a whole answer, the first token of a stream, or its next one. */
export type Wait = 'total' | 'first-token' | 'idle';
/** Where in a turn of the loop the application is busy. */
export type Place = 'check' | 'timers';

export interface Scene {
  readonly waits: readonly Wait[];
  readonly place: Place;
}

export interface Outcome {
  readonly place: Place;
  /** Calls that were answered in time by the server that was asked first. */
  readonly right: number;
  /** What became of the others: the code of their first failed attempt. */
  readonly wrong: readonly string[];
  /** Plain fetches beside them that were given up for lateness, by `setTimeout` and by `AbortSignal.timeout`. */
  readonly plainTimeouts: number;
  readonly plain: number;
}

export const limitMs = 500;
export const blockMs = 700;
const answerAfterMs = 100;
/** More than this before the loop is blocked, and the limit might be passed for a good reason: such a scene is no proof. */
const longestStartMs = 250;

export interface Stage {
  readonly url: string;
  readonly server: { ask(question: Question): Promise<unknown> };
  readonly router: Router;
  readonly request: ChatRequest;
}

/** Undefined where the start took too long to prove anything. */
export async function playStall({ waits, place }: Scene, stage: Stage): Promise<Outcome | undefined> {
  const startMs = performance.now();
  const calls = waits.map((wait) => begin(wait, stage));
  const plain = [plainFetch(stage.url, withTimer), plainFetch(stage.url, () => AbortSignal.timeout(limitMs))];
  // Streams whose next token is awaited have theirs by now, and ask for the next.
  const held = await stage.server.ask({ ask: 'release', count: waits.length + plain.length, afterMs: answerAfterMs });
  await Promise.all(calls.map(({ begun }) => begun));
  const isTooLate = performance.now() - startMs > longestStartMs || held !== waits.length + plain.length;
  if (place === 'check') await setImmediate();
  else await sleep(1);
  blockLoop();
  const ends = await Promise.all(calls.map(({ end }) => end));
  const gaveUp = await Promise.all(plain);
  if (isTooLate) return undefined;
  return {
    place,
    right: ends.filter((end) => end === 'right').length,
    wrong: ends.filter((end) => end !== 'right'),
    plain: plain.length,
    plainTimeouts: gaveUp.filter(Boolean).length,
  };
}

/** As an application does that computes something long, or a process that was stopped for a while. */
function blockLoop(): void {
  for (const untilMs = performance.now() + blockMs; performance.now() < untilMs;);
}

interface Call {
  /** What is awaited while the loop is blocked has been asked for. */
  readonly begun: Promise<unknown>;
  readonly end: Promise<string>;
}

function begin(wait: Wait, stage: Stage): Call {
  const { begun, end } = open(wait, stage);
  // Both may fail while nobody looks: the loop is blocked, or the other one is awaited.
  return { begun: begun.catch(() => undefined), end: end.catch(codeOf) };
}

function open(wait: Wait, { router, request }: Stage): Call {
  const asked = { ...request, model: wait };
  if (wait === 'total') return { begun: Promise.resolve(), end: router.chat(asked).then(({ route }) => verdict(route)) };
  const opening = router.stream(asked);
  if (wait === 'first-token') return { begun: Promise.resolve(), end: opening.then(rest) };
  const pausing = opening.then(async (stream) => {
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    const next = chunks.next();
    next.catch(() => undefined);
    return { next, chunks, stream };
  });
  return { begun: pausing, end: pausing.then(restOfPausing) };
}

async function rest(stream: ChatStream): Promise<string> {
  for await (const chunk of stream) void chunk;
  return verdict(stream.route);
}

async function restOfPausing({
  next,
  chunks,
  stream,
}: {
  next: Promise<unknown>;
  chunks: AsyncIterator<unknown>;
  stream: ChatStream;
}): Promise<string> {
  await next;
  while ((await chunks.next()).done !== true);
  return verdict(stream.route);
}

function verdict({ attempts }: ChatStream['route']): string {
  return attempts.find(({ error }) => error !== undefined)?.error?.code ?? 'right';
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? 'foreign');
}

async function plainFetch(url: string, limit: () => AbortSignal): Promise<boolean> {
  try {
    await (await fetch(`${url}/slow`, { method: 'POST', body: '{}', signal: limit() })).text();
    return false;
  } catch {
    return true;
  }
}

function withTimer(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), limitMs);
  return controller.signal;
}
