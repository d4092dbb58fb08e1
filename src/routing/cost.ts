import type { ModelPrice } from '../core/prices.ts';

/** What an attempt costs, in US dollars. */
export function costUsd({ inputPerMillionUsd, outputPerMillionUsd }: ModelPrice, promptTokens: number, answerTokens: number): number {
  return (promptTokens * inputPerMillionUsd + answerTokens * outputPerMillionUsd) / 1_000_000;
}
