import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest, ChunkDelta, Usage } from '../core/types.ts';
import { grammarFor } from './cpu-grammar.ts';
import type { HistoryItem } from './cpu-library.ts';
import type { ChatEngine } from './cpu-models.ts';
import { toGenerateOptions, toHistory } from './cpu-prompt.ts';

export interface ChatPlan {
  readonly request: ChatRequest;
  readonly history: HistoryItem[];
  readonly prompt: readonly number[];
  /** Tokens that the answer may have. */
  readonly maxTokens: number;
  readonly grammar: object | undefined;
}

/** The prompt in tokens, and the room it leaves. Throws `context_length` where it leaves none. */
export async function planChat(request: ChatRequest, engine: ChatEngine, provider: string): Promise<ChatPlan> {
  const { llama, context } = engine;
  const history = toHistory(request.messages, provider);
  const prompt = toPrompt(history, engine, provider);
  // The library would otherwise drop the oldest messages to make room, and say nothing.
  const room = context.contextSize - prompt.length - 1;
  if (room < 1) {
    const message = `Provider "${provider}": the prompt has ${prompt.length} tokens, the context window ${context.contextSize}.`;
    throw new RouterError('context_length', message, { provider });
  }
  const asked = request.max_completion_tokens ?? request.max_tokens ?? room;
  const grammar = await grammarFor(request.response_format, llama, provider);
  return { request, history, prompt, grammar, maxTokens: Math.min(Math.max(asked, 1), room) };
}

/** The history in the model's own template, and the beginning of an answer where it does not end with one. */
function toPrompt(history: HistoryItem[], { chat, model }: ChatEngine, provider: string): readonly number[] {
  const chatHistory: HistoryItem[] = history.at(-1)?.type === 'model' ? history : [...history, { type: 'model', response: [] }];
  try {
    return chat.chatWrapper.generateContextState({ chatHistory }).contextText.tokenize(model.tokenizer as never);
  } catch {
    // Some templates demand that user and assistant alternate, or know no system message.
    throw new RouterError('unsupported', `Provider "${provider}": the model's chat template refused these messages.`, { provider });
  }
}

/**
 * Tokens of the prompt that are read at a time. The library hears an abort between reads only, and a long prompt takes
 * minutes on a CPU; smaller pieces would make reading slower.
 */
const readTokens = 128;

/** Runs one answer to its end. Rejects with the signal's reason within one token, or one piece of the prompt. */
export async function runChat(
  plan: ChatPlan,
  engine: ChatEngine,
  signal: AbortSignal,
  push: (delta: ChunkDelta) => void,
): Promise<ChatEnd> {
  const { request, history, prompt, grammar, maxTokens } = plan;
  const { chat, sequence } = engine;
  const before = sequence.tokenMeter.getState();
  // The last token is left to the library, which starts generating from it.
  for (let read = 0; read < prompt.length - 1; read += readTokens) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(read, Math.min(read + readTokens, prompt.length - 1)));
  }
  const { metadata } = await chat.generateResponse(history, {
    ...toGenerateOptions(request),
    ...(grammar && { grammar: grammar as never }),
    maxTokens,
    signal,
    onResponseChunk({ type, text }) {
      if (text !== '') push(type === 'segment' ? { reasoning_content: text } : { content: text });
    },
  });
  const completion_tokens = sequence.tokenMeter.diff(before).usedOutputTokens;
  return {
    finish_reason: metadata.stopReason === 'maxTokens' ? 'length' : 'stop',
    usage: { prompt_tokens: prompt.length, completion_tokens, total_tokens: prompt.length + completion_tokens },
  };
}

export interface ChatEnd {
  readonly finish_reason: 'stop' | 'length';
  readonly usage: Usage;
}

/** Makes the chunks of one answer. */
export interface ChunkMaker {
  delta(delta: ChunkDelta): ChatChunk;
  end(end: ChatEnd): readonly ChatChunk[];
}

export function chunkMaker({ requestId }: Call<ChatRequest>, model: string): ChunkMaker {
  const head = {
    id: `chatcmpl-${requestId}`,
    object: 'chat.completion.chunk' as const,
    created: 0,
    model,
  };
  let role: { role?: 'assistant' } = { role: 'assistant' };
  return {
    delta(delta) {
      const chunk: ChatChunk = { ...head, choices: [{ index: 0, delta: { ...role, ...delta }, finish_reason: null }] };
      role = {};
      return chunk;
    },
    end: ({ finish_reason, usage }) => [
      { ...head, choices: [{ index: 0, delta: role, finish_reason }] },
      { ...head, choices: [], usage },
    ],
  };
}
