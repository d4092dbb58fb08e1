import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { type PrefixKey, prefixKeys } from '../routing/prefixes.ts';
import { estimateTokens, textOf } from '../routing/tokens.ts';

/** What is worked out of a request when it is first asked for, and kept. A class, because there is one for every call. */
export class Estimates {
  readonly #request: ChatRequest | EmbedRequest;
  #promptTokens: number | undefined;
  #textTokens: number | undefined;
  #prefixKeys: readonly PrefixKey[] | undefined;

  constructor(request: ChatRequest | EmbedRequest) {
    this.#request = request;
  }

  promptTokens(): number {
    return (this.#promptTokens ??= estimateTokens(this.#request));
  }

  /** Those of its text alone: without images, without a schema, and without tools that must not be called. */
  textTokens(): number {
    return (this.#textTokens ??= this.#countText());
  }

  /** Marks of the prompt's beginnings; none for embeddings. */
  prefixKeys(): readonly PrefixKey[] {
    return (this.#prefixKeys ??= 'messages' in this.#request ? prefixKeys(this.#request.messages, this.#request.tools) : []);
  }

  #countText(): number {
    const text = textOf(this.#request);
    return text === this.#request ? this.promptTokens() : estimateTokens(text);
  }
}
