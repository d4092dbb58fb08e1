import type { ModelInfo } from '../core/adapter.ts';
import type { EventName, Listener } from '../core/events.ts';
import type { ChatCompletion, ChatRequest, EmbeddingList, EmbedRequest } from '../core/types.ts';
import type { CallOptions } from '../config/options.ts';
import type { Plan } from '../routing/plan.ts';
import type { ChatStream } from './chat-stream.ts';
import type { ExplainOptions } from './explain.ts';
import type { HealthSummary } from './health.ts';
import type { RouterSnapshot } from './snapshot.ts';
import type { ParsedCompletion, SchemaRequest } from './structured.ts';

export interface ProviderModel extends ModelInfo {
  readonly provider: string;
}

export interface CloseOptions {
  /**
   * Calls under way get this long to end by themselves; then they are aborted with a `closed` error.
   * @default 5_000
   */
  readonly drainMs?: number | undefined;
}

/**
 * One client over many providers. Every verb rejects with a `RouterError`, or with the reason of the caller's own signal,
 * untouched.
 */
export interface Router extends AsyncDisposable {
  /** One answer, from the first candidate that can give it. */
  chat(request: ChatRequest, options?: CallOptions): Promise<ChatCompletion>;
  /**
   * One answer as a value: `response_format` is a schema (zod's, or any Standard Schema that tells its JSON Schema), and
   * `parsed` what it makes of the answer. One that does not fit rejects with `bad_response`, after one repair where
   * `repair: true` asks for it.
   */
  chat<Value>(request: SchemaRequest<Value>, options?: CallOptions): Promise<ParsedCompletion<Value>>;
  /** Resolves when the first content is in hand: until then failures are silent, after it they end the stream. */
  stream(request: ChatRequest, options?: CallOptions): Promise<ChatStream>;
  /** One vector per input, in order, all from one model. */
  embed(request: EmbedRequest, options?: CallOptions): Promise<EmbeddingList>;
  /** Asks every provider how it is, within 5 s. Rejects for an abort only. */
  health(options?: { readonly signal?: AbortSignal | undefined }): Promise<HealthSummary>;
  /** The models of every provider that keeps a list and answers. */
  models(options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly ProviderModel[]>;
  /** The plan for a request, with the time that each candidate is expected to need, without carrying it out; `formatPlan()` makes a text of it. */
  explain(request: ChatRequest | SchemaRequest<unknown> | EmbedRequest, options?: ExplainOptions): Plan;
  /**
   * Forgets that models ran out of memory: all of them, those of one provider, or one by the provider's own name for it. Gives how many
   * pins there were; they are listed in `snapshot()`.
   */
  unpin(which?: { readonly provider?: string | undefined; readonly model?: string | undefined }): number;
  /** What the router knows now, without asking anyone. */
  snapshot(): RouterSnapshot;
  on<Name extends EventName>(name: Name, listener: Listener<Name>): Router;
  once<Name extends EventName>(name: Name, listener: Listener<Name>): Router;
  off<Name extends EventName>(name: Name, listener: Listener<Name>): Router;
  /** Refuses new calls, lets those under way end, frees everything. Safe to call twice. */
  close(options?: CloseOptions): Promise<void>;
}
