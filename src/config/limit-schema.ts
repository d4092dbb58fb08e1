import type { BudgetOptions, LimitOptions, RateLimit, SpendLimit } from './limit-options.ts';
import { type Fields, positive, record, share, strict, type Takes, whole } from './schema-parts.ts';

const most = 1_000_000_000;

export const rateLimit: Takes<RateLimit> = strict({
  rpm: whole(1, most).optional(),
  tpm: whole(1, most).optional(),
} satisfies Fields<RateLimit>);

export const limits: Takes<LimitOptions> = strict({
  caller: rateLimit.optional(),
  callers: record(rateLimit).optional(),
  processes: whole(1, 10_000).optional(),
} satisfies Fields<LimitOptions>);

const caps = { hourUsd: positive().optional(), dayUsd: positive().optional() };
const spendLimit: Takes<SpendLimit> = strict(caps satisfies Fields<SpendLimit>);

export const budgets: Takes<BudgetOptions> = strict({
  ...caps,
  warnAt: share().optional(),
  providers: record(spendLimit).optional(),
  caller: spendLimit.optional(),
  callers: record(spendLimit).optional(),
} satisfies Fields<BudgetOptions>);
