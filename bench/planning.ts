import type { RouterOptions } from '../src/index.ts';
import { defineAdapter } from '../src/core/adapter.ts';
import { resolveConfig } from '../src/config/resolve.ts';
import type { Balance } from '../src/config/routing-options.ts';
import type { Engine } from '../src/router/engine.ts';
import { createAffinity } from '../src/routing/affinity.ts';
import { createPrefixMemory, prefixKeys } from '../src/routing/prefixes.ts';
import { planFor } from '../src/router/planning.ts';
import { createProvider } from '../src/router/provider.ts';
import { createProviderState } from '../src/router/provider-state.ts';
import { resolveCall } from '../src/router/resolve-call.ts';
import { createStandings } from '../src/router/standing.ts';
import { noteTime } from '../src/router/timings.ts';

// What planning costs per request: from the settled call to the plan, all gates included. No network.
// node bench/planning.ts [--rounds 21] [--plans 2000]

const option = (name: string, usual: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : Number(process.argv[at + 1]);
};
const rounds = option('rounds', 41);
const plans = option('plans', 2_000);

const adapter = defineAdapter({ name: 'bench', modelName: 'optional', stream: () => Promise.reject(new Error('Nobody is asked.')) });
const request = {
  model: 'llama3.1',
  messages: [
    { role: 'system' as const, content: 'You are a helpful assistant that answers in one short paragraph.' },
    { role: 'user' as const, content: 'What is the difference between a thread and a process, and when does it matter?' },
  ],
};

/** Devices mixed, a third of them paid clouds, an alias with every provider's own name: what a large registry looks like. */
function optionsFor(count: number, balance: Balance): RouterOptions {
  const devices = ['gpu', 'gpu', 'cpu', 'remote'] as const;
  const ids = Array.from({ length: count }, (_, index) => `p${index}`);
  const providers = ids.map((id, index) => [
    id,
    {
      type: 'custom',
      adapter,
      device: devices[index % 4],
      locality: 'lan',
      weight: 1 + (index % 3),
      maxConcurrent: index % 2 === 0 ? 4 : undefined,
    },
  ]);
  return {
    balance,
    providers: Object.fromEntries(providers) as RouterOptions['providers'],
    models: { 'llama3.1': Object.fromEntries(ids.map((id) => [id, 'llama3.1:8b'])) },
  };
}

function engineFor(options: RouterOptions): Engine {
  const { config } = resolveConfig(options);
  const list = config.providers.map((provider) => {
    const state = createProviderState({ config: provider, router: config });
    return createProvider({ config: provider, adapter, router: config, announce: () => undefined, sharing: undefined, state });
  });
  const nowMs = config.clock.nowMs();
  const prefixes = createPrefixMemory();
  // As after some traffic: everybody is known, has told its models and its load, and has read what all prompts begin with; some are busy.
  list.forEach(({ id, state, lanes }, index) => {
    prefixes.remember(prefixKeys(request.messages.slice(0, 1)), id, request.model, nowMs);
    noteTime(state.models.of('llama3.1:8b').timings, 'fast', { promptTokens: 40, ms: 900, firstContentMs: 100 + index }, nowMs);
    const known = { id: 'llama3.1:8b', sizeBytes: 5e9, vramBytes: 5e9, contextLength: 8_192 };
    state.told = {
      atMs: nowMs,
      askedMs: nowMs,
      elsewhere: 0,
      mostRunning: 1,
      slots: 4,
      contextLength: undefined,
      resident: new Map([[known.id, known]]),
    };
    state.inventory = { models: new Map([[known.id, known]]), untilMs: nowMs + 600_000 };
    if (index % 5 === 0) lanes('llama3.1:8b').take('fast');
  });
  const parts = { config, list, standings: createStandings(config, list), affinity: createAffinity(), prefixes, metering: {} };
  return { ...parts, providers: new Map(list.map((each) => [each.id, each])) } as unknown as Engine;
}

function microsecondsFor(count: number, balance: Balance): number[] {
  const engine = engineFor(optionsFor(count, balance));
  const calls = count > 50 ? Math.ceil(plans / 10) : plans;
  let candidates = 0;
  const round = (): number => {
    const startMs = performance.now();
    for (let index = 0; index < calls; index++) {
      const call = resolved[index % resolved.length] as (typeof resolved)[number];
      candidates += planFor(call, engine, 'first', engine.config.clock.nowMs()).candidates.length;
    }
    return ((performance.now() - startMs) * 1_000) / calls;
  };
  // Estimates and marks are made once in a call, so the calls are not one and the same.
  let resolved = Array.from({ length: 64 }, () => resolveCall('stream', request, {}, engine.config));
  for (let index = 0; index < 30; index++) round();
  const times = Array.from({ length: rounds }, () => {
    resolved = Array.from({ length: calls }, () => resolveCall('stream', request, {}, engine.config));
    return round();
  });
  if (candidates === 0) throw new Error('The plans were empty.');
  return times.sort((left, right) => left - right);
}

const goals: Readonly<Record<number, number>> = { 3: 5, 200: 60 };
console.log(
  `node ${process.version}, ${rounds} rounds of ${plans} plans (200 providers: a tenth), a stream of 2 messages, microseconds per plan`,
);
console.log('providers  balance        median   fastest  slowest  goal');
for (const count of [3, 200]) {
  for (const balance of ['priority', 'weighted', 'least-busy', 'expected-ttft'] as const) {
    const times = microsecondsFor(count, balance);
    const median = times[Math.floor(times.length / 2)] ?? NaN;
    const goal = goals[count] ?? NaN;
    const shown = [median, times[0] ?? NaN, times.at(-1) ?? NaN].map((value) => value.toFixed(2).padStart(8)).join(' ');
    console.log(
      `${String(count).padStart(9)}  ${balance.padEnd(13)} ${shown}  ${`≤ ${goal}`.padEnd(5)} ${median <= goal ? 'holds' : 'MISSED'}`,
    );
  }
}
