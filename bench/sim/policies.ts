import type { RouterOptions } from '../../src/index.ts';
import { leastConnections, liteLlmLatency, type Picker, type PickerSetting, prefixOnly, random, roundRobin } from './baselines.ts';
import { dispatcher } from './dispatcher.ts';
import { routerClient, type RouterSetting } from './router-client.ts';
import type { Cell } from './run.ts';

type Balance = NonNullable<RouterOptions['balance']>;

/** A way of choosing machines, under the name that the tables print. */
export interface Policy {
  readonly name: string;
  readonly client: Cell['client'];
}

/** All devices are equals, so that nothing but `balance` decides. */
export const equals: NonNullable<RouterOptions['intents']> = { fast: { order: [['gpu', 'remote', 'cpu', 'cloud']] } };

/** The real router. `note` tells two apart that have the same balance. */
export function ours(balance: Balance, note = '', setting: Partial<RouterSetting> = {}): Policy {
  const options = { intents: equals, ...setting.options, balance };
  return {
    name: `inferlane, ${balance}${note === '' ? '' : `, ${note}`}`,
    client: (machines, clock, chance) => routerClient(machines, clock, chance, { ...setting, options }),
  };
}

function baseline(name: string, picker: (setting: PickerSetting) => Picker): Policy {
  return {
    name,
    client: (machines, clock, chance) => dispatcher(machines, picker({ count: machines.length, clock, chance }), clock),
  };
}

export const baselines: Readonly<Record<'roundRobin' | 'random' | 'leastConnections' | 'liteLlm' | 'liteLlmTuned' | 'prefixOnly', Policy>> =
  {
    roundRobin: baseline('round-robin', roundRobin),
    random: baseline('random', random),
    leastConnections: baseline('least-connections', leastConnections),
    liteLlm: baseline('LiteLLM, latency', (setting) => liteLlmLatency(setting, { windowMs: 3_600_000, buffer: 0 })),
    // The best of a dozen on the mixed rack. There the 10 s and 0.5 of its documentation's examples are the worst: a CPU box that nobody
    // has asked for 10 s counts as untried, and gets everything.
    liteLlmTuned: baseline('LiteLLM, latency, tuned', (setting) => liteLlmLatency(setting, { windowMs: 3_600_000, buffer: 10 })),
    prefixOnly: baseline('prefix-only', prefixOnly),
  };
