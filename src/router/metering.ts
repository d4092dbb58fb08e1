import { RouterError } from '../core/errors.ts';
import type { Announce } from '../core/events.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { costUsd } from '../routing/cost.ts';
import type { Obstacle } from '../routing/gates.ts';
import { type Allowances, createAllowances } from './allowances.ts';
import { type Budgets, type BudgetState, createBudgets } from './budgets.ts';
import type { Cap } from './cap.ts';
import { type Charge, likelyTokens, mostCostUsd, priceOf, usedBy } from './charge.ts';
import { createLedger, type Ledger, type SpendingRow } from './ledger.ts';
import type { Meters } from './allowance.ts';
import { createRates, type Rates } from './rates.ts';
import type { ResolvedCall } from './resolve-call.ts';

/** What was used and spent, as plain data. */
export interface Spending {
  /** When the router was made, on its clock: since then `rows` count. */
  readonly sinceMs: number;
  readonly rows: readonly SpendingRow[];
  /** The caps of the configuration; those of callers once they have called. */
  readonly budgets: readonly BudgetState[];
}

/** What one call has used so far, over all its attempts. */
export interface CallAccount {
  /** Undefined while it has cost nothing. */
  costUsd: number | undefined;
  /** It was at a paid provider whose price is not known. */
  isUnpriced: boolean;
  tokens: number;
  /** Tokens that its caller's limit was charged with when it began; undefined where it has none. */
  admitted: number | undefined;
}

/** Limits, budgets and the ledger: what a call may use, and what it has. Nothing here waits. */
export interface Metering {
  /** What a limit or a budget says against a candidate now; undefined where there are none at all. */
  readonly obstacle:
    | ((call: ResolvedCall<unknown>, provider: ProviderConfig, model: string | undefined) => Obstacle | undefined)
    | undefined;
  /** Lets a call in. @throws {RouterError} `rate_limited` where its caller is over its limit. */
  admit(call: ResolvedCall<unknown>, account: CallAccount): void;
  /** Takes what an attempt needs; undefined where it is not there any more. It has to be settled or cancelled. */
  open(call: ResolvedCall<unknown>, provider: ProviderConfig, model: string | undefined): Charge | undefined;
  /** The attempt was not made after all. */
  cancel(call: ResolvedCall<unknown>, charge: Charge): void;
  /** The attempt is over. `isBilled`: whether a server may have worked for it; `usage`: as it told. */
  settle(call: ResolvedCall<unknown>, account: CallAccount, charge: Charge, isBilled: boolean, usage: Usage | EmbedUsage | undefined): void;
  /** The call is over. Gives what it has cost; undefined where that is nothing, or nobody knows. */
  leave(call: ResolvedCall<unknown>, account: CallAccount): number | undefined;
  spending(): Spending;
  /** Tells the store what it does not know yet, where there is one. */
  close(): Promise<void>;
  /** What goes on when the configuration is replaced. */
  readonly books: MeteringBooks;
}

interface MeteringBooks {
  readonly sinceMs: number;
  readonly ledger: Ledger;
  readonly allowances: Allowances;
  readonly caps: Map<string, Cap>;
  /** Set by each configuration. */
  readonly terms: { processes: number };
}

interface MeteringOptions {
  readonly config: RouterConfig;
  readonly announce: Announce;
  /** Undefined: nothing is shared. */
  readonly meters: Meters | undefined;
}

export function newAccount(): CallAccount {
  return { costUsd: undefined, isUnpriced: false, tokens: 0, admitted: undefined };
}

const noCaps: readonly Cap[] = Object.freeze([]);

export function createMetering(options: MeteringOptions, before: MeteringBooks = newBooks(options)): Metering {
  const { config, announce, meters } = options;
  const { ledger, allowances, caps, sinceMs } = before;
  before.terms.processes = config.limits.processes;
  const rates = createRates(config, allowances);
  const budgets =
    config.budgets &&
    createBudgets({ config: config.budgets, clock: config.clock, announce, meters, caps, processes: () => config.limits.processes });
  const give = (call: ResolvedCall<unknown>, charge: Charge, requests: number, usedTokens: number, spentUsd: number): void => {
    rates.ofProvider(charge.provider.id)?.giveBack(requests, charge.tokens - usedTokens);
    budgets?.book(capsOf(budgets, call, charge.provider), charge.reservedUsd, spentUsd);
  };
  const obstacle = obstacleIn(config, rates, budgets);
  return {
    obstacle,
    admit(call, account) {
      const rate = call.caller === undefined ? undefined : rates.ofCaller(call.caller);
      if (rate === undefined) return;
      const tokens = likelyTokens(call);
      const held = rate.held(tokens);
      if (held !== undefined) {
        rate.noteRefused(tokens);
        throw new RouterError('rate_limited', `The caller ${held.reason}.`, { retryAfterMs: Math.ceil(held.waitMs) });
      }
      rate.spend(tokens);
      account.admitted = tokens;
    },
    open(call, provider, model) {
      if (obstacle?.(call, provider, model) !== undefined) return undefined;
      const rate = rates.ofProvider(provider.id);
      const tokens = rate === undefined ? 0 : likelyTokens(call);
      rate?.spend(tokens);
      const price = provider.cost === 'paid' ? priceOf(provider, config, call.request as object, model) : undefined;
      const reservedUsd = budgets === undefined || price === undefined ? 0 : mostCostUsd(price, call);
      budgets?.reserve(capsOf(budgets, call, provider), reservedUsd);
      return { provider, model, price, tokens, reservedUsd, pieces: 0 };
    },
    cancel: (call, charge) => give(call, charge, 1, 0, 0),
    settle(call, account, charge, isBilled, usage) {
      if (!isBilled) return give(call, charge, 0, 0, 0);
      const { provider, model, price } = charge;
      const used = usedBy(call, charge, usage);
      const spentUsd = costOf(charge, used);
      give(call, charge, 0, used.promptTokens + used.answerTokens, spentUsd ?? 0);
      ledger.note({ provider: provider.id, model, caller: call.caller, ...used, costUsd: spentUsd });
      account.tokens += used.promptTokens + used.answerTokens;
      if (price !== undefined) account.costUsd = (account.costUsd ?? 0) + (spentUsd ?? 0);
      if (spentUsd === undefined) account.isUnpriced = true;
    },
    leave({ caller }, { admitted, tokens, costUsd: spentUsd, isUnpriced }) {
      if (admitted !== undefined && caller !== undefined) rates.ofCaller(caller)?.giveBack(0, admitted - tokens);
      return isUnpriced ? undefined : spentUsd;
    },
    spending: () => ({ sinceMs, rows: ledger.rows(), budgets: budgets?.states() ?? [] }),
    async close() {
      await Promise.all([allowances.close(), budgets?.close()]);
    },
    books: before,
  };
}

function newBooks({ config: { clock, limits }, meters }: MeteringOptions): MeteringBooks {
  const terms = { processes: limits.processes };
  const allowances = createAllowances(clock, meters, () => terms.processes);
  return { sinceMs: clock.nowMs(), ledger: createLedger(), allowances, caps: new Map(), terms };
}

/** Free ones cost nothing; of a paid one without a price nobody knows. */
function costOf({ provider, price }: Charge, { promptTokens, answerTokens }: ReturnType<typeof usedBy>): number | undefined {
  if (provider.cost === 'free') return 0;
  return price && costUsd(price, promptTokens, answerTokens);
}

function capsOf(budgets: Budgets, { caller }: ResolvedCall<unknown>, { id, cost }: ProviderConfig): readonly Cap[] {
  return cost === 'paid' ? budgets.capsFor(id, caller) : noCaps;
}

/** Made only where there is something to say, so that plans without limits cost nothing more. */
function obstacleIn(config: RouterConfig, rates: Rates, budgets: Budgets | undefined): Metering['obstacle'] {
  const { clock } = config;
  if (budgets === undefined && !rates.limitsProviders) return undefined;
  return (call, provider, model) => {
    if (budgets !== undefined && provider.cost === 'paid') {
      const found = budgets.obstacle(capsOf(budgets, call, provider), priceOf(provider, config, call.request as object, model));
      if (found !== undefined) return found;
    }
    const held = rates.ofProvider(provider.id)?.held(likelyTokens(call));
    return held && { code: 'rate_limited', reason: held.reason, readyAtMs: clock.nowMs() + held.waitMs };
  };
}
