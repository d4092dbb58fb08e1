import { errorCodes, type IntentOptions, isRouterError, type Locality } from '../../../src/index.ts';
import type { CallResult } from './caller.ts';
import type { RequestRecord } from './ledger.ts';
import type { CallPlan } from './load.ts';
import type { ProviderPlan, Scenario, Settings } from './scenario.ts';

/** Longer than any answer of a provider that never fails takes. */
const healthyMs = 700;

/** From nearest to farthest. */
export const placesFrom: readonly Locality[] = ['process', 'host', 'lan', 'tunnel', 'cloud'];

type Rules = Pick<Scenario, 'settings' | 'providers'>;
type Asked = Partial<Pick<CallPlan, 'intent' | 'provider' | 'allowPaid' | 'maxLocality'>>;

function intentName({ intent }: Asked, { defaultIntent }: Settings): string {
  return intent ?? defaultIntent ?? 'fast';
}

export function intentOf(plan: Asked, settings: Settings): IntentOptions {
  return settings.intents?.[intentName(plan, settings)] ?? {};
}

export function laneOf(plan: Asked, settings: Settings): 'fast' | 'heavy' {
  return intentOf(plan, settings).lane ?? (intentName(plan, settings) === 'heavy' ? 'heavy' : 'fast');
}

export function deadlineMsOf(plan: CallPlan, settings: Settings): number {
  const ofIntent = intentOf(plan, settings).deadlineMs ?? (intentName(plan, settings) === 'heavy' ? 300_000 : undefined);
  return plan.deadlineMs ?? ofIntent ?? settings.deadlineMs;
}

function firstTokenMsOf(plan: CallPlan, settings: Settings): number {
  return intentName(plan, settings) === 'heavy' ? 60_000 : (settings.timeouts?.firstTokenMs ?? 10_000);
}

/** Whether the rules that last as long as the configuration let a call go to a provider. */
export function mayServe(plan: CallPlan, provider: ProviderPlan, rules: Rules): boolean {
  if (plan.verb === 'embed' && !provider.embeds) return false;
  return mayBeAsked(plan, provider, rules);
}

export function mayBeAsked(plan: Asked, provider: ProviderPlan, rules: Rules): boolean {
  if (plan.provider !== undefined && plan.provider !== provider.id) return false;
  return isNearEnough(plan, provider, rules.settings) && isPaidFor(plan, provider, rules);
}

/** The nearest of all limits holds, whoever set it. What says nothing of its place lies in somebody's cloud. */
export function isNearEnough(plan: Asked, { locality = 'cloud' }: ProviderPlan, settings: Settings): boolean {
  const limits = [settings.maxLocality, intentOf(plan, settings).maxLocality, plan.maxLocality];
  return limits.every((limit) => limit === undefined || placesFrom.indexOf(locality) <= placesFrom.indexOf(limit));
}

/** By the call's own word, else the intent's, else the router's; naming who is paid is a word as well, where nobody says no. */
export function isPaidFor(plan: Asked, { id, cost }: ProviderPlan, { settings, providers }: Rules): boolean {
  if (cost === 'free') return true;
  const intent = intentOf(plan, settings);
  const usually = settings.allowPaid ?? providers.every((each) => each.cost === 'paid');
  if (plan.allowPaid !== undefined) return plan.allowPaid;
  return intent.allowPaid ?? (usually || plan.provider === id || (intent.order ?? []).flat().includes(id));
}

/** What such a server takes at once where nobody says anything: of these kinds only one takes a model's calls one after the other. */
export function usualSlots({ type, locality = 'cloud' }: ProviderPlan): number {
  return type === 'ollama' && locality !== 'cloud' ? 1 : Infinity;
}

/** Everybody's calls go at once, whatever it says of itself. */
function isUnlimited(provider: ProviderPlan): boolean {
  return (provider.maxConcurrent ?? provider.toldSlots) === undefined && usualSlots(provider) === Infinity;
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
  // Where there are limits, whoever comes later may find no slot in time.
  if (!able.some((provider) => provider.isAnchor && isUnlimited(provider))) return 'none';
  if (result.abortedAtMs !== undefined || result.outcome === 'left' || record.endMs >= closedAtMs) return 'none';
  if (record.waits > 0 || isRouterError(record.error, 'saturated')) return 'none';
  // A hedge takes an attempt of the budget; what stops a call is the caller's own matter, or a bug.
  if (record.hedges > 0 || record.attempts.some(({ failed, error }) => failed && endsCall(error))) return 'none';
  if (plan.verb === 'stream' && (result.contentOrder !== undefined || settings.throughput !== undefined)) return 'none';
  // Who does not read gets no content before the deadline either.
  if (plan.verb === 'stream' && (plan.reading === 'slow' || plan.reading === 'stall')) return 'none';
  const others = able.length - 1;
  const deadlineMs = deadlineMsOf(plan, settings);
  // A model that has to be loaded first is given longer.
  const mayLoad = able.some(({ memory, tells }) => memory !== undefined || tells !== undefined);
  const isShared = plan.verb !== 'stream' || mayLoad;
  const leftMs = isShared ? deadlineMs / 2 ** others : deadlineMs - others * firstTokenMsOf(plan, settings);
  if (leftMs < healthyMs) return 'none';
  return able.length <= Math.min(5, plan.maxAttempts ?? settings.maxAttempts) ? 'must' : 'may';
}

function endsCall(error: unknown): boolean {
  return !isRouterError(error) || errorCodes[error.code].next !== 'failover';
}
