import type { RouteTrace } from '../index.ts';
import { answerHeaders } from './call-headers.ts';
import { type ErrorShape, errorBody, type Refusal, refusalOf } from './failure.ts';
import { createFrameSource, type FrameSource, toWebStream } from './frame-source.ts';
import type { Exchange } from './route.ts';
import { type Extras, untold } from './server-fields.ts';

/** The only headers that an answer has, beside those of CORS: nothing of a provider's own comes through. */
export const fixedHeaders: Readonly<Record<string, string>> = Object.freeze({
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
});

/** What responses are made of. */
const contents = new WeakMap<Response, string | FrameSource>();

/** For a server that can write it without a web stream between; undefined for a response that was made elsewhere. */
export function contentOf(response: Response): string | FrameSource | undefined {
  return contents.get(response);
}

export function jsonResponse(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  const text = JSON.stringify(body);
  const response = new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } });
  contents.set(response, text);
  return response;
}

/** How a call was routed, for the caller; the note is for the access log. `asked`: what not every provider has a word for. */
export function routeHeaders(route: RouteTrace, { note, router }: Exchange, asked?: Extras): Record<string, string> {
  note({ route });
  // The attempt of a stream is in the trace when it has ended.
  const isUnderWay = !route.cached && !route.attempts.some(({ provider, error }) => provider === route.provider && error === undefined);
  const typeOf = (): string | undefined => router.snapshot().providers.find(({ provider }) => provider === route.provider)?.type;
  const ignored = asked === undefined ? [] : untold(asked.serverFields, asked.request.extra, typeOf);
  return {
    [answerHeaders.provider]: route.provider,
    [answerHeaders.attempts]: String(route.attempts.length + (isUnderWay ? 1 : 0)),
    ...(route.cached && { [answerHeaders.cached]: 'true' }),
    ...(route.degraded && { [answerHeaders.degraded]: 'true' }),
    ...(ignored.length > 0 && { [answerHeaders.ignored]: ignored.join(', ') }),
  };
}

export function refusalResponse(shape: ErrorShape, refusal: Refusal, requestId: string): Response {
  const { status, retryAfterMs, headers } = refusal;
  const later = retryAfterMs === undefined ? undefined : String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  return jsonResponse(errorBody(shape, refusal, requestId), status, { ...headers, ...(later !== undefined && { 'retry-after': later }) });
}

export interface StreamedResponse {
  readonly type: 'text/event-stream' | 'application/x-ndjson';
  readonly headers: Readonly<Record<string, string>>;
  /** Whole frames. What it throws ends the stream. */
  readonly frames: AsyncIterable<string>;
  /** The frame that tells what broke the stream; nothing comes after it. Left out: the frames tell it themselves. */
  readonly failure?: (refusal: Refusal) => string;
}

/**
 * Nothing is taken from the frames before it is read, so a slow reader slows the provider; one that stops is cut, and one that leaves ends
 * the frames at once.
 */
export function streamResponse({ type, headers, frames, failure }: StreamedResponse, exchange: Exchange): Response {
  const { config, ending, call } = exchange;
  ending.streams();
  const lastWords = (error: unknown): string | undefined => (call.signal?.aborted === true ? undefined : failure?.(refusalOf(error)));
  const raw = createFrameSource(frames, ending, config, lastWords);
  const next = async (): Promise<string | undefined> => {
    const frame = await raw.next();
    return frame === undefined ? undefined : escaped(frame);
  };
  const source = { ...raw, next };
  const response = new Response(toWebStream(source), { headers: { 'content-type': type, 'x-accel-buffering': 'no', ...headers } });
  contents.set(response, source);
  return response;
}

/** One event of a server-sent stream. JSON has no line break of its own, so nothing in the data can begin another event. */
export function sseFrame(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** JSON leaves them as they are, and some readers of lines, those of Python first of all, take them for the end of one. */
const otherLineBreaks = /[\u0085\u2028\u2029]/g;

/** They can only stand in a text of JSON, where an escape means the same. */
function escaped(frame: string): string {
  return frame.replace(otherLineBreaks, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
