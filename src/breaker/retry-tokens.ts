/**
 * Retry tokens of one provider, by gRPC's rule: a failure takes one out, a success puts a share back, and while half of them or fewer
 * are left the provider gets no second attempts. Charged to the provider that failed, not to the one that a call moves to: when a busy
 * provider dies, all its calls may move.
 */
export interface RetryRules {
  readonly maxTokens: number;
  readonly tokensPerSuccess: number;
}

export function afterFailure(tokens: number): number {
  return Math.max(0, tokens - 1);
}

export function afterSuccess(tokens: number, { maxTokens, tokensPerSuccess }: RetryRules): number {
  return Math.min(maxTokens, tokens + tokensPerSuccess);
}

/** May an attempt that is not the first of its call go there? */
export function allowsRetry(tokens: number, { maxTokens }: RetryRules): boolean {
  return tokens > maxTokens / 2;
}
