import { type ChatChunk, RouterError } from '../index.ts';

/**
 * What has been sent cannot be taken back. That another goes on with it, the reader need not know.
 * @throws {RouterError} stream_interrupted
 */
export function refuseReset({ inferlane }: ChatChunk): void {
  if (inferlane?.type !== 'reset') return;
  throw new RouterError('stream_interrupted', 'The stream broke and begins anew, which this API cannot tell.');
}
