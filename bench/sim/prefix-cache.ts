/** Which beginnings of prompts a machine still has in its KV cache: tokens by session, the least recently used forgotten first. */
export interface PrefixCache {
  /** Tokens of this session that are there, which counts as use. */
  find(key: string): number;
  store(key: string, tokens: number): void;
}

export function createPrefixCache(capacityTokens: number): PrefixCache {
  const tokensByKey = new Map<string, number>();
  let total = 0;
  const put = (key: string, tokens: number): void => {
    total += tokens - (tokensByKey.get(key) ?? 0);
    // A map keeps the order of insertion: what was used last stands last.
    tokensByKey.delete(key);
    tokensByKey.set(key, tokens);
  };
  return {
    find(key) {
      const tokens = tokensByKey.get(key);
      if (tokens === undefined) return 0;
      put(key, tokens);
      return tokens;
    },
    store(key, tokens) {
      put(key, tokens);
      for (const [oldest, held] of tokensByKey) {
        if (total <= capacityTokens) return;
        tokensByKey.delete(oldest);
        total -= held;
      }
    },
  };
}
