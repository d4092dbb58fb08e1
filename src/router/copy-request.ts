import { isAnswerSchema } from '../core/answer-schema.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { acceptableHistory } from './history.ts';

// Callers may change a request while it is under way; and what nobody could carry out is refused before anybody is asked.

export function copyChat(request: ChatRequest): ChatRequest {
  if (typeof request !== 'object' || request === null) throw invalid('the request must be an object with messages');
  const { messages, model } = request;
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('messages must be a list with at least one message');
  for (const [index, message] of messages.entries()) {
    const role: unknown = (message as { role?: unknown } | null)?.role;
    if (typeof role !== 'string' || !roles.has(role)) throw invalid(`messages[${index}].role must be one of ${[...roles].join(', ')}`);
  }
  checkModel(model);
  if (isAnswerSchema(request.response_format)) throw invalid('a schema as response_format is for chat(); a stream takes a json_schema');
  const { tools, stop } = request;
  return {
    ...request,
    messages: acceptableHistory(messages),
    ...(tools && { tools: [...tools] }),
    ...(Array.isArray(stop) && { stop: [...stop] }),
  };
}

const roles: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

export function copyEmbed(request: EmbedRequest): EmbedRequest {
  if (typeof request !== 'object' || request === null) throw invalid('the request must be an object with input');
  const { input, model } = request;
  const texts: unknown = typeof input === 'string' ? [input] : input;
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string')) {
    throw invalid('input must be a string or a list of strings');
  }
  checkModel(model);
  return { ...request, input: typeof input === 'string' ? input : [...input] };
}

function checkModel(model: unknown): void {
  if (model === undefined || (typeof model === 'string' && model !== '')) return;
  throw invalid('model must be a name; leave it out to use the default model of each provider');
}

export function invalid(text: string): RouterError<'invalid_request'> {
  return new RouterError('invalid_request', `The call cannot be carried out: ${text}.`);
}
