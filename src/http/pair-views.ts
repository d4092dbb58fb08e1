import type { HealthSummary, ProviderHealth } from '../index.ts';
import { reasonOf, statusOf, type ViewInput, type Words } from './view-words.ts';

/** A pair is asked whether its servers answer: what becomes of single models is no matter of theirs. */
const wellness: Words<'healthy' | 'unhealthy'> = {
  ok: 'healthy',
  warming: 'healthy',
  saturated: 'healthy',
  limited: 'unhealthy',
  misconfigured: 'unhealthy',
  'out-of-memory': 'unhealthy',
  open: 'unhealthy',
  probing: 'unhealthy',
  down: 'unhealthy',
  unknown: 'unhealthy',
};

export interface PairMemberJson {
  readonly status: 'healthy' | 'unhealthy';
  /** As it told last, else `unknown`. */
  readonly version: string;
  /** Null: it runs in this process. */
  readonly url: string | null;
  readonly is_gpu: boolean;
  /** Only where it is unhealthy, and the reason is known. */
  readonly error?: string;
}

/** The health of the GPU server and the CPU server, by their ids. Providers that are no such device are left out. */
export function pairCheckView({ health }: { readonly health: HealthSummary }): Readonly<Record<string, PairMemberJson>> {
  return Object.fromEntries(membersOf(health).map((provider) => [provider.provider, memberOf(provider)]));
}

/** The names of the models of each of them; none where it did not answer. */
export function pairModelsView({ health, inventory }: ViewInput): Readonly<Record<string, readonly string[]>> {
  const lists = new Map(inventory.providers.map(({ provider, models }) => [provider, models]));
  return Object.fromEntries(membersOf(health).map(({ provider }) => [provider, (lists.get(provider) ?? []).map(({ id }) => id)]));
}

function membersOf({ providers }: HealthSummary): readonly ProviderHealth[] {
  return providers.filter(({ device }) => device === 'gpu' || device === 'cpu');
}

function memberOf(provider: ProviderHealth): PairMemberJson {
  const status = wellness[statusOf(provider)];
  const error = status === 'unhealthy' ? reasonOf(provider) : null;
  return {
    status,
    version: provider.version ?? 'unknown',
    url: provider.url ?? null,
    is_gpu: provider.device === 'gpu',
    ...(error !== null && { error }),
  };
}
