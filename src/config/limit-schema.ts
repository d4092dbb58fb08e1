import * as z from 'zod/mini';
import type { BudgetOptions, LimitOptions, RateLimit, SpendLimit } from './limit-options.ts';
import { type Fields, positive, record, share, strict, type Takes, whole } from './schema-parts.ts';

const most = 1_000_000_000;

export const rateLimit = (): Takes<RateLimit> =>
  strict({
    rpm: z.optional(whole(1, most)),
    tpm: z.optional(whole(1, most)),
  } satisfies Fields<RateLimit>);

export const limits = (): Takes<LimitOptions> =>
  strict({
    caller: z.optional(rateLimit()),
    callers: z.optional(record(rateLimit())),
    processes: z.optional(whole(1, 10_000)),
  } satisfies Fields<LimitOptions>);

const caps = () => ({ hourUsd: z.optional(positive()), dayUsd: z.optional(positive()) });
const spendLimit = (): Takes<SpendLimit> => strict(caps() satisfies Fields<SpendLimit>);

export const budgets = (): Takes<BudgetOptions> =>
  strict({
    ...caps(),
    warnAt: z.optional(share()),
    providers: z.optional(record(spendLimit())),
    caller: z.optional(spendLimit()),
    callers: z.optional(record(spendLimit())),
  } satisfies Fields<BudgetOptions>);
