import { RouterError } from '../core/errors.ts';
import type { TransportResponse } from './transport.ts';

/** How much larger a body may become than its length on the wire, when the platform unpacks it. */
export const mostGrowth = 100;
/** Small bodies may grow by more: a short text that repeats itself harms nobody. */
const alwaysAllowed = 64 * 1024;
/** Unpacking takes memory of its own beside what it makes, so packed bodies may hold less than others (16 MiB). */
export const mostUnpacked: number = 16 * 1024 * 1024;

/**
 * Answers are asked for as they are. One that comes packed all the same is unpacked by the platform, once at most, and what comes
 * out is bounded: by its length on the wire where that is known, and by `mostUnpacked`.
 * @throws {RouterError} `bad_response` for one that was packed several times.
 */
export function unpacked(response: TransportResponse): TransportResponse {
  const packings = packingsOf(response);
  if (packings.length === 0 || response.body === null) return response;
  if (packings.length > 1) {
    response.body.cancel().catch(() => undefined);
    throw new RouterError('bad_response', 'The answer was packed more than once.');
  }
  const length = Number(response.header('content-length') ?? NaN);
  const limit = length >= 0 ? Math.max(alwaysAllowed, length * mostGrowth) : mostUnpacked;
  const body = atMost(Math.min(limit, mostUnpacked), response.body);
  return { status: response.status, header: (name) => response.header(name), body, text: () => response.text() };
}

/** The content codings of a response; `identity` is none. */
export function packingsOf(response: Pick<TransportResponse, 'header'>): string[] {
  const said = response.header('content-encoding');
  if (said === null) return [];
  const names = said.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '' && name !== 'identity');
}

/** A pipe of our own, because it is cheaper than the platform's and only packed answers pay for it. */
function atMost(limitBytes: number, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        bytes += value.byteLength;
        if (bytes <= limitBytes) return controller.enqueue(value);
        reader.cancel().catch(() => undefined);
        throw new RouterError('limit_exceeded', 'The answer grew too large when it was unpacked.');
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
