import { errorCodes, isRouterError } from '../../../src/index.ts';
import type { CallResult } from './caller.ts';
import type { RequestRecord } from './ledger.ts';
import type { CallPlan } from './load.ts';
import type { ProviderPlan, Scenario } from './scenario.ts';

/** Longer than any answer of a provider that never fails takes. */
const healthyMs = 700;

/** Whether the rules that last as long as the configuration let a call go to a provider. */
export function mayServe(plan: CallPlan, provider: ProviderPlan, { settings, providers }: Scenario): boolean {
  if (plan.verb === 'embed' && !provider.embeds) return false;
  if (plan.provider !== undefined) return plan.provider === provider.id;
  return provider.cost === 'free' || isPaidAllowed(plan, providers, settings.allowPaid);
}

export function isPaidAllowed(plan: CallPlan, providers: readonly ProviderPlan[], usually: boolean): boolean {
  return plan.allowPaid ?? (usually || providers.every(({ cost }) => cost === 'paid'));
}

export type Chance = 'must' | 'may' | 'none';

/**
 * Whether a request had to be answered, because a provider that never fails could have: `may` where there are more candidates than
 * attempts, so that it depends on whom the last one goes to.
 */
export function chanceOf(result: CallResult, record: RequestRecord, scenario: Scenario, closedAtMs: number): Chance {
  const { plan } = result;
  const { settings, providers } = scenario;
  const able = providers.filter((provider) => mayServe(plan, provider, scenario));
  if (!able.some(({ isAnchor }) => isAnchor)) return 'none';
  if (result.abortedAtMs !== undefined || result.outcome === 'left' || record.endMs >= closedAtMs) return 'none';
  // A hedge takes an attempt of the budget; what stops a call is the caller's own matter, or a bug.
  if (record.hedges > 0 || record.attempts.some(({ failed, error }) => failed && endsCall(error))) return 'none';
  if (plan.verb === 'stream' && (result.contentOrder !== undefined || settings.throughput !== undefined)) return 'none';
  // Who does not read gets no content before the deadline either.
  if (plan.verb === 'stream' && (plan.reading === 'slow' || plan.reading === 'stall')) return 'none';
  const others = able.length - 1;
  const deadlineMs = plan.deadlineMs ?? settings.deadlineMs;
  const leftMs = plan.verb === 'stream' ? deadlineMs - others * (settings.timeouts?.firstTokenMs ?? 10_000) : deadlineMs / 2 ** others;
  if (leftMs < healthyMs) return 'none';
  return able.length <= Math.min(5, plan.maxAttempts ?? settings.maxAttempts) ? 'must' : 'may';
}

function endsCall(error: unknown): boolean {
  return !isRouterError(error) || errorCodes[error.code].next !== 'failover';
}
