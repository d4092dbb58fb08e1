import type { ModelSnapshot, ProviderSnapshot, RouterSnapshot } from '../index.ts';
import type { ModelLabels } from './prometheus-labels.ts';

/** A value with the labels that tell it from the others of its metric. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** One gauge, which is read from what the router knows at the moment of a scrape. */
export interface GaugeRow {
  /** Without the prefix. */
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly read: (snapshot: RouterSnapshot, models: ModelLabels) => readonly Sample[];
}

const breakerStates: Readonly<Record<ProviderSnapshot['breaker'], number>> = { closed: 0, 'half-open': 1, open: 2 };

function perProvider(name: string, help: string, valueOf: (provider: ProviderSnapshot, nowMs: number) => number | undefined): GaugeRow {
  const read: GaugeRow['read'] = ({ providers, nowMs }) =>
    providers.flatMap((provider): Sample[] => {
      const value = valueOf(provider, nowMs);
      return value === undefined ? [] : [[{ provider: provider.provider }, value]];
    });
  return { name, help, labelNames: ['provider'], read };
}

/** Of models that share a label the highest value is told. */
function perModel(name: string, help: string, valueOf: (model: ModelSnapshot) => number): GaugeRow {
  const read: GaugeRow['read'] = ({ providers }, labels) =>
    providers.flatMap(({ provider, models }) => {
      const highest = new Map<string, number>();
      for (const each of models) {
        const label = isReal(each) ? labels.of(provider, each.model) : labels.known(provider, each.model);
        highest.set(label, Math.max(highest.get(label) ?? 0, valueOf(each)));
      }
      return Array.from(highest, ([model, value]): Sample => [{ provider, model }, value]);
    });
  return { name, help, labelNames: ['provider', 'model'], read };
}

/** It has answered or failed as models do; else it may be no more than a name that somebody asked for. */
function isReal({ latencyMs, breaker, pinnedUntilMs }: ModelSnapshot): boolean {
  return latencyMs !== undefined || breaker !== 'closed' || pinnedUntilMs !== undefined;
}

function isUp({ up, situation }: ProviderSnapshot): boolean {
  return up !== false && situation !== 'open' && situation !== 'misconfigured';
}

/** What is read at each scrape. Times that lie ahead are told as what is left of them: the clock of the router is nobody else's. */
export const gaugeRows: readonly GaugeRow[] = Object.freeze([
  {
    name: 'store_degraded',
    help: '1 while the shared store does not answer, or has not answered yet, else 0.',
    labelNames: [],
    read: ({ store }): readonly Sample[] => [[{}, store === undefined || store.up ? 0 : 1]],
  },
  {
    name: 'requests_in_flight',
    help: 'Calls under way.',
    labelNames: [],
    read: ({ inFlight }): readonly Sample[] => [[{}, inFlight]],
  },
  perProvider('attempts_in_flight', 'Attempts under way.', ({ inFlight }) => inFlight),
  perProvider(
    'queue_depth',
    'Calls that wait for a slot. One that waits for several providers stands in the queue of each.',
    ({ waiting }) => waiting,
  ),
  perProvider('slots', 'Calls that the provider takes at once; left out where there is no limit.', ({ slots }) => slots),
  perProvider(
    'provider_up',
    '0 where the provider does not answer, refuses its credentials, or stands behind an open breaker; else 1.',
    (provider) => Number(isUp(provider)),
  ),
  perProvider('provider_cooldown_seconds', 'How long the provider still rests; 0 where it does not.', ({ restsUntilMs }, nowMs) =>
    restsUntilMs === undefined ? 0 : (restsUntilMs - nowMs) / 1_000,
  ),
  perProvider(
    'provider_breaker_state',
    'Breaker of the whole provider: 0 closed, 1 half-open, 2 open.',
    ({ breaker }) => breakerStates[breaker],
  ),
  perModel('model_breaker_state', 'Breaker of one model: 0 closed, 1 half-open, 2 open.', ({ breaker }) => breakerStates[breaker]),
  perModel('model_pinned', '1 while the model is kept away from the provider because it ran out of memory there.', ({ pinnedUntilMs }) =>
    pinnedUntilMs === undefined ? 0 : 1,
  ),
]);
