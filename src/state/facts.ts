import * as z from 'zod/mini';
import { type ErrorCode, errorCodes } from '../core/error-codes.ts';
import { once } from '../lib/once.ts';
import { longestValue } from './store.ts';

/** What one router has found out about a provider, or about one model there, in the form in which a store keeps it. */
export interface SharedFact {
  readonly is: 'open' | 'closed' | 'rest' | 'pin' | 'missing';
  readonly provider: string;
  /** As the router's books call it; empty where the server chooses. Undefined: the whole provider is meant. */
  readonly model?: string | undefined;
  /** From the moment of writing. 0: it is over. */
  readonly forMs: number;
  /** How often in a row: the exponent of the next time. */
  readonly times: number;
  readonly reason: ErrorCode;
}

/** How long a fact may hold at most, whatever a store says (4 h: the longest pin). */
const longestMs = 14_400_000;
const mostTimes = 32;

// Values come from whoever can write to the store.
const schema = once(
  () =>
    z.strictObject({
      is: z.enum(['open', 'closed', 'rest', 'pin', 'missing']),
      provider: z.string().check(z.maxLength(200)),
      model: z.optional(z.string().check(z.maxLength(1_000))),
      forMs: z.pipe(z.number().check(z.minimum(0)), z.transform(atMost(longestMs))),
      times: z.pipe(z.int().check(z.minimum(0)), z.transform(atMost(mostTimes))),
      reason: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
    }) satisfies z.ZodMiniType<SharedFact>,
);

function atMost(most: number): (value: number) => number {
  return (value) => Math.min(value, most);
}

/** Undefined for one that is too long to be written: a model with a name of thousands of characters. */
export function encodeFact(fact: SharedFact): string | undefined {
  const text = JSON.stringify(fact);
  return text.length > longestValue || (fact.model?.length ?? 0) > 1_000 ? undefined : text;
}

/** Undefined for what is no fact. */
export function decodeFact(value: string): SharedFact | undefined {
  try {
    const parsed = schema().safeParse(JSON.parse(value));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
