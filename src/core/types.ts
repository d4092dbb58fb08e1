/**
 * The shapes callers and adapters share. They are OpenAI's chat-completion and embedding shapes, so that an answer of an
 * OpenAI-compatible server passes through untouched. Added are `reasoning_content` and `thinking_blocks`, the finish reason
 * `unknown`, `extra` in requests, and what the router says of itself: `route`, `degraded`, `inferlane`.
 */

import type { RouteTrace, StreamNotice } from './route.ts';

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool';

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** `url` is a `data:` URL or an http(s) address that the server itself can reach; the router fetches nothing. */
export interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' | undefined };
}

export type ContentPart = TextPart | ImagePart;

/** `arguments` is JSON text, as on OpenAI's wire; adapters of servers that want an object convert it. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/**
 * One block of a model's own thoughts as Anthropic signs them. Its servers refuse a tool's result unless the blocks before the
 * call come back unchanged; every other server gets none of them. The name and shape are LiteLLM's.
 */
export type ThinkingBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string };

export interface ChatMessage {
  readonly role: Role;
  readonly content?: string | readonly ContentPart[] | null | undefined;
  readonly name?: string | undefined;
  readonly tool_calls?: readonly ToolCall[] | undefined;
  readonly tool_call_id?: string | undefined;
  readonly reasoning_content?: string | null | undefined;
  readonly thinking_blocks?: readonly ThinkingBlock[] | undefined;
}

export interface Tool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly parameters?: Readonly<Record<string, unknown>> | undefined;
    readonly strict?: boolean | null | undefined;
  };
}

export type ToolChoice = 'none' | 'auto' | 'required' | { readonly type: 'function'; readonly function: { readonly name: string } };

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly json_schema: {
        readonly name: string;
        readonly schema: Readonly<Record<string, unknown>>;
        readonly description?: string | undefined;
        readonly strict?: boolean | null | undefined;
      };
    };

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

/** OpenAI's request body. Nothing is sent to a server that was not set here, and nothing set here is dropped in silence. */
export interface ChatRequest<Model extends string = string> {
  /** An alias of `models`, or a provider's own name. Left out: each provider uses its `defaultModel`. */
  readonly model?: Model | undefined;
  readonly messages: readonly ChatMessage[];
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly n?: number | undefined;
  readonly stop?: string | readonly string[] | undefined;
  readonly max_tokens?: number | undefined;
  readonly max_completion_tokens?: number | undefined;
  readonly presence_penalty?: number | undefined;
  readonly frequency_penalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly logprobs?: boolean | undefined;
  readonly top_logprobs?: number | undefined;
  readonly logit_bias?: Readonly<Record<string, number>> | undefined;
  readonly tools?: readonly Tool[] | undefined;
  readonly tool_choice?: ToolChoice | undefined;
  readonly parallel_tool_calls?: boolean | undefined;
  readonly response_format?: ResponseFormat | undefined;
  readonly reasoning_effort?: ReasoningEffort | undefined;
  /** Taken for OpenAI's sake, and changes nothing: the usage comes at the end of every stream whose server tells it. */
  readonly stream_options?: { readonly include_usage?: boolean | undefined } | undefined;
  readonly user?: string | undefined;
  /** Body fields of one backend, sent to it verbatim, keyed by provider type: `{ ollama: { keep_alive: '10m' } }`. */
  readonly extra?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

export interface EmbedRequest<Model extends string = string> {
  readonly model?: Model | undefined;
  readonly input: string | readonly string[];
  /** Length of the vectors wanted. A provider that cannot shorten its vectors is no candidate. */
  readonly dimensions?: number | undefined;
  readonly user?: string | undefined;
  /** Body fields of one backend, keyed by provider type, as for chats: `{ nvidia: { input_type: 'query' } }`. */
  readonly extra?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

/** Token counts as the server reported them. Absent rather than 0 where the server reported none. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details?: { cached_tokens?: number } | null;
  completion_tokens_details?: { reasoning_tokens?: number } | null;
}

/** `unknown`: the stream ended with its terminator, but the server never said why. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'unknown';

export interface AssistantMessage {
  role: 'assistant';
  content: string | null;
  reasoning_content?: string | null;
  thinking_blocks?: ThinkingBlock[];
  tool_calls?: ToolCall[];
  refusal?: string | null;
}

export interface ChatChoice {
  index: number;
  message: AssistantMessage;
  finish_reason: FinishReason;
  logprobs?: unknown;
}

/** What an adapter returns for a chat: OpenAI's `chat.completion`. */
export interface ChatAnswer {
  id: string;
  object: 'chat.completion';
  /** Seconds since 1970. */
  created: number;
  /** The provider's own name for the model that answered. */
  model: string;
  choices: ChatChoice[];
  usage?: Usage;
  system_fingerprint?: string | null;
  /** The answer is a stand-in (the stub), not a model's. */
  degraded?: true;
}

/** What `router.chat()` returns. `choices[0]` is always there: an answer without a choice is an error. */
export interface ChatCompletion extends ChatAnswer {
  choices: [ChatChoice, ...ChatChoice[]];
  route: RouteTrace;
}

export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: 'function';
  function?: { name?: string; arguments?: string };
}

export interface ChunkDelta {
  role?: Role;
  content?: string | null;
  reasoning_content?: string | null;
  /** Whole blocks: each comes once, when it has ended. */
  thinking_blocks?: ThinkingBlock[];
  tool_calls?: ToolCallDelta[];
  refusal?: string | null;
}

export interface ChunkChoice {
  index: number;
  delta: ChunkDelta;
  finish_reason?: FinishReason | null;
  logprobs?: unknown;
}

/** OpenAI's `chat.completion.chunk`. The usage chunk has no choices. */
export interface ChatChunk {
  id: string;
  object: 'chat.completion.chunk';
  created: number;
  model: string;
  choices: ChunkChoice[];
  usage?: Usage | null;
  system_fingerprint?: string | null;
  degraded?: true;
  /** Ours, in a chunk without choices, and only with `onStreamFailure: 'restart'` or `'continue'`. */
  inferlane?: StreamNotice;
}

/** One array per network read, so that the layers between socket and caller cost once per read and not once per token. */
export type ChunkBatches = AsyncIterable<readonly ChatChunk[]>;

export interface EmbedUsage {
  prompt_tokens: number;
  total_tokens: number;
}

export interface Embedding {
  object: 'embedding';
  index: number;
  embedding: number[];
}

/** What an adapter returns for embeddings; `data[i]` belongs to `input[i]`. */
export interface EmbedAnswer {
  object: 'list';
  data: Embedding[];
  model: string;
  usage?: EmbedUsage;
  degraded?: true;
}

export interface EmbeddingList extends EmbedAnswer {
  route: RouteTrace;
}
