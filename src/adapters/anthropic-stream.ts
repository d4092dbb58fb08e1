import { isJsonObject, type JsonObject, parseJson } from '../lib/json.ts';
import type { SseEvent } from '../lib/sse.ts';
import type { ItemReader } from '../lib/read-stream.ts';
import { createMessage } from './anthropic-message.ts';
import type { ErrorIn } from './openai-wire-stream.ts';
import type { CallOrigin } from './openai-wire.ts';

/** The event that ends every whole answer. */
export function isLast({ event }: SseEvent): boolean {
  return event === 'message_stop';
}

/** Reads one stream of `/v1/messages`, which is whole at `message_stop`. `errorIn` finds the classified error in an event. */
export function createEventReader(errorIn: ErrorIn, origin: CallOrigin): ItemReader<SseEvent> {
  const message = createMessage(origin);
  return {
    read(event, batch) {
      if (event.data === '') return false;
      const value = parseJson(event.data);
      if (!isJsonObject(value)) {
        const error = event.event === 'error' ? errorIn({ error: event.data }) : undefined;
        throw error ?? origin.badResponse('an event of the stream is not a JSON object.');
      }
      const type = value['type'] ?? event.event;
      if (isMeaning(type)) batch.push(...message[meanings[type]](value));
      else throwError(value, event.event, errorIn, origin);
      return type === 'message_stop';
    },
    end(isTerminated) {
      if (!isTerminated) throw origin.badResponse('the stream ended before its terminator.');
    },
  };
}

/** What each event does to the message. */
const meanings = {
  message_start: 'start',
  content_block_start: 'startBlock',
  content_block_delta: 'addToBlock',
  content_block_stop: 'endBlock',
  message_delta: 'change',
  message_stop: 'end',
} as const;

function isMeaning(type: unknown): type is keyof typeof meanings {
  return typeof type === 'string' && Object.hasOwn(meanings, type);
}

/** Servers that imitate this API put errors of other shapes into their streams; pings and what is yet to come hold none. */
function throwError(value: JsonObject, name: string | undefined, errorIn: ErrorIn, origin: CallOrigin): void {
  const error = errorIn(value) ?? (name === 'error' ? errorIn({ error: value }) : undefined);
  if (error) throw error;
  if (name === 'error' || value['type'] === 'error') throw origin.badResponse('the stream holds an error event.');
}
