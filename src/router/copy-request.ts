import { isAnswerSchema } from '../core/answer-schema.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { acceptableHistory } from './history.ts';
import { checkChat, checkEmbed, invalid, type Writable } from './request-fields.ts';

// Callers may change a request while it is under way; and what nobody could carry out is refused before anybody is asked. It is the
// copy that is checked, so that nothing can change between the two.

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
