import type { RequestRecord } from './ledger.ts';
import { intentOf, mayServe } from './possible.ts';
import type { ProviderPlan, Scenario } from './scenario.ts';
import type { Complain } from './violations.ts';

const rounding = 1e-6;

/**
 * Where everybody is well and free, first attempts go by weight: after any number of calls nobody is a whole one away from its share.
 * Gives how many calls that was seen of.
 */
export function checkShares(scenario: Scenario, requests: Iterable<RequestRecord>, complain: Complain): number {
  const groups = new Map<string, RequestRecord[]>();
  for (const record of requests) {
    const { plan } = record;
    // Who names a provider, or belongs to a conversation, takes no turn.
    if (plan.provider !== undefined || plan.session !== undefined || plan.index >= scenario.load.length) continue;
    const intent = plan.intent ?? 'fast';
    // Batch work is the same each time, whatever the router's balance.
    if (intent === 'heavy' && scenario.settings.intents?.['heavy']?.balance === undefined) continue;
    groups.set(intent, [...(groups.get(intent) ?? []), record]);
  }
  return [...groups.values()].reduce((sum, records) => sum + checkGroup(scenario, records, complain), 0);
}

/** Calls that choose among the same providers. Where some have others to choose from, no share is exact. */
function checkGroup(scenario: Scenario, records: readonly RequestRecord[], complain: Complain): number {
  const [first] = records;
  const members = first === undefined ? [] : foremost(scenario, first);
  const isSame = (record: RequestRecord): boolean => foremost(scenario, record).join() === members.join();
  if (members.length < 2 || !records.every(isSame)) return 0;
  const weights = members.map((id) => scenario.providers.find((provider) => provider.id === id)?.weight ?? 1);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const got = members.map(() => 0);
  records.forEach(({ plan, attempts }, index) => {
    const at = members.indexOf(attempts[0]?.provider ?? '');
    if (at < 0) complain('shares by weight', `request ${plan.index} went to ${attempts[0]?.provider}, not to one of ${members.join()}`);
    got[at] = (got[at] ?? 0) + 1;
    const off = members.findIndex(
      (_, member) => Math.abs((got[member] ?? 0) - ((index + 1) * (weights[member] ?? 1)) / all) > 1 + rounding,
    );
    if (off >= 0) complain('shares by weight', `${members[off]} got ${got[off]} of ${index + 1}, with ${weights[off]} of ${all}`);
  });
  return records.length;
}

const deviceOrders: Readonly<Record<string, readonly string[]>> = {
  fast: ['gpu', 'remote', 'cpu', 'cloud'],
  heavy: ['cpu', 'gpu', 'remote', 'cloud'],
};

const before = (left: readonly number[], right: readonly number[]): number =>
  left.map((each, index) => each - (right[index] as number)).find((each) => each !== 0) ?? 0;

/** Those that stand first and equal: the same priority, cost and device. */
function foremost(scenario: Scenario, { plan }: RequestRecord): readonly string[] {
  const order = intentOf(plan, scenario.settings).order === undefined ? deviceOrders[plan.intent ?? 'fast'] : undefined;
  const rankOf = ({ priority, cost, device }: ProviderPlan): readonly number[] => [
    priority,
    cost === 'free' ? 0 : 1,
    order?.indexOf(device) ?? 0,
  ];
  const able = scenario.providers.filter((provider) => mayServe(plan, provider, scenario));
  const best = able.map(rankOf).toSorted(before)[0];
  return best === undefined ? [] : able.filter((provider) => before(rankOf(provider), best) === 0).map(({ id }) => id);
}
