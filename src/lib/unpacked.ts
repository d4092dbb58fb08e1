import { RouterError } from '../core/errors.ts';
import { type ByteSource, sourceOf } from './byte-source.ts';
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
  const packed = sourceOf(response.body);
  if (packings.length > 1) {
    packed.cancel();
    throw new RouterError('bad_response', 'The answer was packed more than once.');
  }
  const length = Number(response.header('content-length') ?? NaN);
  const limit = length >= 0 ? Math.max(alwaysAllowed, length * mostGrowth) : mostUnpacked;
  const body = atMost(Math.min(limit, mostUnpacked), packed);
  return { status: response.status, header: (name) => response.header(name), body, text: () => response.text() };
}

/** The content codings of a response; `identity` is none. */
export function packingsOf(response: Pick<TransportResponse, 'header'>): string[] {
  const said = response.header('content-encoding');
  if (said === null) return [];
  const names = said.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '' && name !== 'identity');
}

function atMost(limitBytes: number, body: ByteSource): ByteSource {
  let total = 0;
  return {
    async read() {
      const bytes = await body.read();
      total += bytes?.byteLength ?? 0;
      if (total <= limitBytes) return bytes;
      body.cancel();
      throw new RouterError('limit_exceeded', 'The answer grew too large when it was unpacked.');
    },
    cancel: () => body.cancel(),
  };
}
