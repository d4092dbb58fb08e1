import type { RateConfig, RouterConfig } from '../config/config.ts';
import { setNewest } from '../lib/newest.ts';
import type { Allowance } from './allowance.ts';
import { type Allowances, mostCallers } from './allowances.ts';

/** The limits per minute of one provider, or of one caller. */
interface Rate {
  /** Why another request, with so many tokens, has to wait, and for how long; undefined where it has not. */
  held(tokens: number): { readonly reason: string; readonly waitMs: number } | undefined;
  spend(tokens: number): void;
  /** What was not needed; below 0: what was needed beside. */
  giveBack(requests: number, tokens: number): void;
  noteRefused(tokens: number): void;
}

export interface Rates {
  readonly limitsProviders: boolean;
  /** Undefined where it has no limits. */
  ofProvider(id: string): Rate | undefined;
  ofCaller(name: string): Rate | undefined;
}

export function createRates({ providers, limits }: RouterConfig, allowances: Allowances): Rates {
  const byProvider = new Map<string, Rate>();
  for (const { id, limits: its } of providers) if (its !== undefined) byProvider.set(id, createRate(`provider:${id}`, its, allowances));
  const byCaller = new Map<string, Rate>();
  return {
    limitsProviders: byProvider.size > 0,
    ofProvider: (id) => byProvider.get(id),
    ofCaller(name) {
      const config = limits.callers.has(name) ? limits.callers.get(name) : limits.caller;
      if (config === undefined) return undefined;
      const rate = byCaller.get(name) ?? createRate(`caller:${name}`, config, allowances);
      setNewest(byCaller, name, rate, mostCallers);
      return rate;
    },
  };
}

function createRate(owner: string, { rpm, tpm }: RateConfig, allowances: Allowances): Rate {
  const of = (unit: string, perMinute: number | undefined): (() => Allowance) | undefined =>
    perMinute === undefined ? undefined : () => allowances.of(`limit:${owner}:${unit}`, perMinute);
  const requests = of('rpm', rpm);
  const tokens = of('tpm', tpm);
  return {
    held(count) {
      const requestMs = requests === undefined ? 0 : allowances.waitMs(requests(), 1);
      const tokenMs = tokens === undefined ? 0 : allowances.waitMs(tokens(), count);
      if (requestMs === 0 && tokenMs === 0) return undefined;
      const what = requestMs >= tokenMs ? `${rpm} requests` : `${tpm} tokens`;
      return { reason: `is at its limit of ${what} a minute`, waitMs: Math.max(requestMs, tokenMs) };
    },
    spend(count) {
      if (requests !== undefined) allowances.spend(requests(), 1);
      if (tokens !== undefined) allowances.spend(tokens(), count);
    },
    giveBack(requestCount, count) {
      if (requests !== undefined && requestCount !== 0) allowances.giveBack(requests(), requestCount);
      if (tokens !== undefined && count !== 0) allowances.giveBack(tokens(), count);
    },
    noteRefused(count) {
      if (requests !== undefined) allowances.noteRefused(requests(), 1);
      if (tokens !== undefined) allowances.noteRefused(tokens(), count);
    },
  };
}
