import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import {
  type AssistantMessage,
  type ChatAnswer,
  type ChatChunk,
  type ChatRequest,
  createRouter,
  defineAdapter,
  type EmbedRequest,
  type Router,
} from 'inferlane';
import { allCapabilities } from '../../src/core/capabilities.ts';

export interface Says {
  readonly message?: Partial<AssistantMessage>;
  readonly finish?: ChatAnswer['choices'][number]['finish_reason'];
  readonly usage?: ChatAnswer['usage'];
  /** Of a stream, one after the other; an error is thrown in its place. */
  readonly chunks?: readonly (Partial<ChatChunk> | Error)[];
  readonly created?: number;
}

export interface Scripted {
  readonly router: Router;
  readonly requests: readonly ChatRequest[];
  readonly embeds: readonly EmbedRequest[];
}

const head = (created = 0) => ({ id: 'answer-1', created, model: 'its-own-name' });

/** A router over one provider that can do everything and says what it is told, word for word. */
export function scripted(says: Says = {}, options: { readonly onStreamFailure?: 'restart' } = {}): Scripted {
  const requests: ChatRequest[] = [];
  const embeds: EmbedRequest[] = [];
  const adapter = defineAdapter({
    name: 'scripted',
    capabilities: allCapabilities,
    async chat(call) {
      requests.push(call.request);
      const message: AssistantMessage = { role: 'assistant', content: 'Yes.', ...says.message };
      const choice = { index: 0, message, finish_reason: says.finish ?? 'stop' };
      return { ...head(says.created), object: 'chat.completion', choices: [choice], ...(says.usage && { usage: says.usage }) };
    },
    async stream(call) {
      requests.push(call.request);
      return (async function* () {
        for (const chunk of says.chunks ?? []) {
          if (chunk instanceof Error) throw chunk;
          yield [{ ...head(says.created), object: 'chat.completion.chunk' as const, choices: [], ...chunk }];
        }
      })();
    },
    async embed({ request }) {
      embeds.push(request);
      const texts = typeof request.input === 'string' ? [request.input] : request.input;
      const data = texts.map((text, index) => ({ object: 'embedding' as const, index, embedding: [text.length, 1] }));
      return { object: 'list', data, model: 'its-own-name', usage: { prompt_tokens: texts.length, total_tokens: texts.length } };
    },
  });
  const router = createRouter({
    ...options,
    health: false,
    providers: { only: { type: 'custom', adapter, defaultModel: 'usual', embeddingModel: 'usual' } },
  });
  return { router, requests, embeds };
}

export const delta = (content: ChatChunk['choices'][number]['delta']): Partial<ChatChunk> => ({ choices: [{ index: 0, delta: content }] });
export const finish = (reason: ChatAnswer['choices'][number]['finish_reason']): Partial<ChatChunk> => ({
  choices: [{ index: 0, delta: {}, finish_reason: reason }],
});

/** One question as the AI SDK asks it, with whatever a test adds. */
export function question(more: Partial<LanguageModelV4CallOptions> = {}): LanguageModelV4CallOptions {
  return { prompt: [{ role: 'user', content: [{ type: 'text', text: 'Well?' }] }], ...more };
}

export async function partsIn(stream: ReadableStream<LanguageModelV4StreamPart>): Promise<LanguageModelV4StreamPart[]> {
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}
