import { type FinishReason, RouterError, type ToolCall } from '../index.ts';
import { isObject } from './body-schema.ts';

/** A call whose arguments are an object, as APIs other than OpenAI's have them. */
export interface ReadCall {
  readonly id: string;
  readonly name: string;
  readonly input: object;
}

/**
 * The calls of an answer. One that the limit of tokens has cut off is none.
 * @throws {RouterError} bad_response where the model wrote something else than an object.
 */
export function readCalls(calls: readonly ToolCall[], reason: FinishReason | undefined): readonly ReadCall[] {
  return calls.flatMap(({ id, function: { name, arguments: text } }) => {
    const input = text.trim() === '' ? {} : parsed(text);
    if (isObject(input)) return [{ id, name, input }];
    if (reason === 'length') return [];
    throw new RouterError('bad_response', 'The model called a tool with arguments that are no JSON object.');
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
    return undefined;
  }
}
