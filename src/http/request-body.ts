import { badRequest, HttpRefusal } from './failure.ts';
import type { HandlerConfig } from './handler-options.ts';
import { refuseOddShape } from './json-shape.ts';

/**
 * The body as parsed JSON. Bytes are counted as they come, whatever the headers say of them. `signal`: the caller has gone.
 * @throws {HttpRefusal} 400, 408, 413 or 415; 500 where somebody has read the body before.
 */
export async function readJson(request: Request, signal: AbortSignal, config: HandlerConfig): Promise<unknown> {
  refuseEncodings(request.headers);
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > config.maxBodyBytes) throw tooLarge(config);
  if (request.bodyUsed) throw new HttpRefusal(bodyConsumed);
  const text = decode(await readBytes(request.body, signal, config));
  refuseOddShape(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest('The body is no valid JSON.', undefined, 'invalid_json');
  }
}

/** For whoever mounted the handler behind something that reads bodies. */
export const bodyConsumed = {
  status: 500,
  code: 'body_consumed',
  message: 'Something that stands before the handler has read the body and left nothing of it.',
} as const;

function refuseEncodings(headers: Headers): void {
  const type = headers.get('content-type') ?? '';
  if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type)) {
    throw new HttpRefusal({ status: 415, code: 'unsupported_media_type', message: 'The content type must be application/json.' });
  }
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new HttpRefusal({ status: 415, code: 'unsupported_encoding', message: 'A compressed body is not read.' });
  }
}

function tooLarge({ maxBodyBytes }: HandlerConfig): HttpRefusal {
  return new HttpRefusal({ status: 413, code: 'body_too_large', message: `The body is larger than ${maxBodyBytes} bytes.` });
}

async function readBytes(body: Request['body'], signal: AbortSignal, config: HandlerConfig): Promise<readonly Uint8Array[]> {
  if (body === null) return [];
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let stopped: HttpRefusal | undefined;
  const stop = (refusal: HttpRefusal): void => {
    stopped ??= refusal;
    reader.cancel().catch(() => undefined);
  };
  const slow = { status: 408, code: 'body_timeout', message: 'The body took too long to arrive.' };
  const cancelTimer = config.clock.schedule(config.bodyTimeoutMs, () => stop(new HttpRefusal(slow)), true);
  const onAbort = (): void => stop(badRequest('The caller has gone.'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (stopped !== undefined) throw stopped;
      if (done) return pieces;
      bytes += value.byteLength;
      if (bytes > config.maxBodyBytes) {
        stop(tooLarge(config));
        throw tooLarge(config);
      }
      pieces.push(value);
    }
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}

function decode(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return pieces.map((piece) => decoder.decode(piece, { stream: true })).join('') + decoder.decode();
  } catch {
    throw badRequest('The body is not valid UTF-8.', undefined, 'invalid_json');
  }
}
