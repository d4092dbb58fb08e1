import { RouterError } from '../core/errors.ts';
import type { ChatMessage, ChatRequest, ContentPart } from '../core/types.ts';
import type { GenerateOptions, HistoryItem } from './cpu-library.ts';

/**
 * The messages in the library's shape and in their order; the model's own chat template makes the prompt of them. Texts stay
 * texts there: a control token written into a message is no control token.
 */
export function toHistory(messages: readonly ChatMessage[], provider: string): HistoryItem[] {
  return messages.map((message) => toItem(message, provider));
}

function toItem(message: ChatMessage, provider: string): HistoryItem {
  const text = textOf(message, provider);
  switch (message.role) {
    case 'system':
    case 'developer':
      return { type: 'system', text };
    case 'user':
      return { type: 'user', text };
    case 'assistant':
      if (message.tool_calls?.length) throw unsupported('tool calls', provider);
      return { type: 'model', response: [text] };
    case 'tool':
      throw unsupported('tool results', provider);
  }
}

function textOf({ content }: ChatMessage, provider: string): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => textOfPart(part, provider)).join('');
}

function textOfPart(part: ContentPart, provider: string): string {
  if (part.type === 'text') return part.text;
  throw unsupported(part.type === 'image_url' ? 'images' : 'parts of this type', provider);
}

/** Dropping a message would answer another question. */
function unsupported(what: string, provider: string): RouterError {
  return new RouterError('unsupported', `Provider "${provider}" cannot read ${what}.`, { provider });
}

/**
 * llama.cpp's own default. The library's is 0, at which `seed` and `top_p` would change nothing; its repeat penalty, on by
 * default, is off here unless a penalty is asked for.
 */
const defaultTemperature = 0.8;

export function toGenerateOptions(request: ChatRequest): GenerateOptions {
  const { temperature = defaultTemperature, top_p, seed, stop, frequency_penalty, presence_penalty } = request;
  const isPenalised = frequency_penalty !== undefined || presence_penalty !== undefined;
  const stops = typeof stop === 'string' ? [stop] : (stop ?? []);
  return {
    temperature,
    repeatPenalty: isPenalised && { penalty: 1, frequencyPenalty: frequency_penalty ?? 0, presencePenalty: presence_penalty ?? 0 },
    ...(top_p !== undefined && { topP: top_p }),
    // llama.cpp's seeds are 32 bits without a sign; the library would turn every negative one into 0.
    ...(seed !== undefined && { seed: seed >>> 0 }),
    ...(stops.length > 0 && { customStopTriggers: stops }),
  };
}
