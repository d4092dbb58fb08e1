import { isAnswerSchema } from '../core/answer-schema.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { acceptableHistory } from './history.ts';
import { checkChat, checkEmbed, invalid, type Writable } from './request-fields.ts';

// What nobody could carry out is refused before anybody is asked. It is the copy that is checked, so that no field can change between
// the two.
//
// Copied is what applications build up as they go: the fields of the request, its lists (messages, tools, stop, input), each message, and
// the list of its parts; tool calls are written anew. What lies deeper is the caller's own object: a part, a tool, a schema, `logit_bias`,
// `stream_options`, `extra`. Whoever changes one of those while the call is under way changes what is sent. A deep copy would cost every
// call what next to nobody needs.

/** @throws {RouterError} `invalid_request` */
export function copyChat(request: ChatRequest): ChatRequest {
  if (typeof request !== 'object' || request === null) throw invalid('the request must be an object with messages');
  const copy: Writable<ChatRequest> = { ...request, messages: request.messages };
  if (isAnswerSchema(copy.response_format)) throw invalid('a schema as response_format is for chat(); a stream takes a json_schema');
  checkChat(copy);
  copy.messages = acceptableHistory(copy.messages);
  if (copy.tools !== undefined) copy.tools = [...copy.tools];
  if (typeof copy.stop === 'object') copy.stop = [...copy.stop];
  return copy;
}

/** @throws {RouterError} `invalid_request` */
export function copyEmbed(request: EmbedRequest): EmbedRequest {
  if (typeof request !== 'object' || request === null) throw invalid('the request must be an object with input');
  const copy: Writable<EmbedRequest> = { ...request, input: request.input };
  checkEmbed(copy);
  if (typeof copy.input !== 'string') copy.input = [...copy.input];
  return copy;
}
