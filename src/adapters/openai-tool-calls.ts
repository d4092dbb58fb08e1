import { isJsonObject, type JsonObject } from '../lib/json.ts';
import type { CallOrigin } from './openai-wire.ts';

/** The tool calls of one choice of a stream, told apart although servers number them in their own ways. */
export interface CallNumbers {
  /** Evens out one piece of a call, in place. Throws `bad_response` where it is none. */
  add(piece: JsonObject): void;
}

interface Slot {
  /** The index that the server gave; undefined where it gave none. */
  readonly said: number | undefined;
  readonly index: number;
  readonly id: string | undefined;
  name: string | undefined;
}

/**
 * Gives every piece the index of its call, and the first piece of a call an id. Servers leave the index out, put 0 on every call,
 * send no id, or repeat id and name with every piece (TGI); readers that join all texts of a field would make "ff" of "f". A new
 * call begins where a name comes with another id, with no index and no id, or without an id behind another name.
 */
export function createCallNumbers(choice: number, origin: CallOrigin): CallNumbers {
  const slots: Slot[] = [];
  return {
    add(piece) {
      const detail = functionOf(piece, origin);
      const said = typeof piece['index'] === 'number' ? piece['index'] : undefined;
      const id = textOf(piece['id']);
      const name = textOf(detail['name']);
      const slot = slotOf(slots, { said, id, name });
      if (slot === undefined) {
        const index = freeIndex(slots, said);
        slots.push({ said, index, id, name });
        piece['index'] = index;
        piece['id'] = id ?? `call_${origin.requestId}_${choice}_${index}`;
        piece['type'] ??= 'function';
        return;
      }
      piece['index'] = slot.index;
      delete piece['id'];
      if (slot.name !== undefined) delete detail['name'];
      slot.name ??= name;
    },
  };
}

type Signs = Pick<Slot, 'said' | 'id' | 'name'>;

function slotOf(slots: readonly Slot[], { said, id, name }: Signs): Slot | undefined {
  if (said === undefined && id === undefined) return name === undefined ? slots.at(-1) : undefined;
  const slot = slots.findLast((known) => (said === undefined ? known.id === id : known.said === said));
  const [known, given] = id === undefined ? [slot?.name, name] : [slot?.id, id];
  const isOther = name !== undefined && known !== undefined && known !== given;
  return isOther ? undefined : slot;
}

function freeIndex(slots: readonly Slot[], said: number | undefined): number {
  if (said !== undefined && slots.every(({ index }) => index !== said)) return said;
  return Math.max(-1, ...slots.map(({ index }) => index)) + 1;
}

function functionOf(piece: JsonObject, origin: CallOrigin): JsonObject {
  const detail = (piece['function'] ??= {});
  if (!isJsonObject(detail)) throw origin.badResponse('a tool call of the stream has no function.');
  const { arguments: text } = detail;
  if (text !== undefined && text !== null && typeof text !== 'string')
    throw origin.badResponse('the arguments of a tool call are not text.');
  return detail;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
