import { RouterError } from '../core/errors.ts';
import { createBytePile } from './byte-pile.ts';
import { sourceOf } from './byte-source.ts';
import { systemClock } from './clock.ts';
import { createJsonWatch } from './json-watch.ts';
import type { TransportResponse } from './transport.ts';

/** Bodies of a known length up to this are read at once; JSON that holds too much cannot do harm in so little. */
const smallBytes = 1024 * 1024;

/**
 * Pieces that are read before everything else gets a turn. A server can pack tens of thousands of them into one read of the
 * network, and as long as somebody takes them without a pause the platform reads on.
 */
const piecesPerTurn = 256;

/**
 * Reads a body up to a limit in bytes. Past it the connection is closed, and `cut` gives what was read. `json` and `text` throw
 * there; `json` throws as well, and closes the connection, as soon as the text holds more than `jsonLimits` allow.
 * @throws {RouterError} `limit_exceeded`
 */
export function readBody(response: TransportResponse, limitBytes: number, as: 'json' | 'text' | 'cut'): Promise<string> {
  const length = Number(response.header('content-length') ?? NaN);
  // The length is the platform's promise only while nothing is unpacked on the way.
  const isPromised = response.header('content-encoding') === null;
  if (isPromised && length <= Math.min(smallBytes, limitBytes)) return response.text();
  return readPieces(response, isPromised ? length : NaN, limitBytes, as);
}

/** `promised`: its length in bytes, where that is known. */
async function readPieces(response: TransportResponse, promised: number, limitBytes: number, as: 'json' | 'text' | 'cut'): Promise<string> {
  if (response.body === null) return '';
  const body = sourceOf(response.body);
  const tooLong = `The answer is larger than ${limitBytes} bytes.`;
  const { look } = as === 'json' ? createJsonWatch() : lookAtNothing;
  const pile = createBytePile();
  let excess = as !== 'cut' && promised > limitBytes ? tooLong : undefined;
  for (let pieces = 1; excess === undefined; pieces++) {
    if (pieces % piecesPerTurn === 0) await new Promise<void>((resolve) => void systemClock.schedule(0, resolve));
    const bytes = await body.read();
    if (bytes === undefined) return pile.text();
    excess = pile.size + bytes.length > limitBytes ? tooLong : look(bytes);
    if (excess === undefined) pile.add(bytes);
  }
  body.cancel();
  if (as === 'cut') return pile.text();
  throw new RouterError('limit_exceeded', excess);
}

const lookAtNothing = { look: (): undefined => undefined };
