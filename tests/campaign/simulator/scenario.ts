import type { Cost, Device, ProviderOptions, RouterOptions } from '../../../src/index.ts';
import { createDice, type Dice } from './dice.ts';
import { type CallPlan, type Disturbances, planDisturbances, planLoad } from './load.ts';
import { makeProgram, type Program } from './program.ts';
import { regressions } from './regressions.ts';
import { type Machine, plainMachine, routed } from './routed.ts';
import type { WireName } from './wires.ts';

export interface ProviderPlan extends Machine {
  readonly id: string;
  readonly on: 'wire' | 'custom';
  readonly format: WireName;
  readonly type: ProviderOptions['type'];
  readonly embeds: boolean;
  readonly device: Device;
  readonly cost: Cost;
  readonly priority: number;
  /** It never fails and is never slow. */
  readonly isAnchor: boolean;
  readonly program: Program;
}

/** The options of the router but for what the simulation puts in itself. */
export type Settings = Omit<RouterOptions, 'providers' | 'transport' | 'clock' | 'random'> & {
  readonly maxAttempts: number;
  readonly deadlineMs: number;
  /** Undefined only where it is left to the router. */
  readonly allowPaid: boolean | undefined;
};

/** All that one seed decides in advance. */
export interface Scenario {
  readonly seed: number;
  readonly providers: readonly ProviderPlan[];
  readonly settings: Settings;
  readonly load: readonly CallPlan[];
  readonly disturbances: Disturbances;
  /** Everybody is well and free for the whole run, and takes turns by weight. */
  readonly isCalm: boolean;
  /** Dice for what is decided on the way. */
  readonly faultDice: Dice;
  readonly routerDice: Dice;
}

const wireTypes: readonly { readonly type: ProviderOptions['type']; readonly format: WireName; readonly embeds: boolean }[] = [
  { type: 'openai-compatible', format: 'openai', embeds: true },
  { type: 'vllm', format: 'openai', embeds: true },
  { type: 'llamacpp', format: 'openai', embeds: true },
  { type: 'openai', format: 'openai', embeds: true },
  { type: 'ollama', format: 'ollama', embeds: true },
  { type: 'anthropic', format: 'anthropic', embeds: false },
];

/** Found before machines had limits, places and memories: these seeds keep the world in which they were found. */
const plainSeeds: ReadonlySet<number> = new Set(regressions.filter(({ isPlain }) => isPlain === true).map(({ seed }) => seed));

export function planScenario(seed: number, calls: number): Scenario {
  const dice = createDice(seed);
  const [settingDice, providerDice, loadDice, faultDice, routerDice, otherDice, routedDice] = Array.from({ length: 7 }, () =>
    dice.fork(),
  ) as [Dice, Dice, Dice, Dice, Dice, Dice, Dice];
  const spanMs = otherDice.spread(10_000, 1_200_000);
  const providers = planProviders(providerDice, spanMs);
  const settings = withSomebody(planSettings(settingDice), providers);
  const load = planLoad(loadDice, { calls, spanMs, ids: providers.map(({ id }) => id) });
  const disturbances = planDisturbances(otherDice, spanMs);
  const world = { providers, settings, load };
  // Some know nothing of machines, so that the rules that limits and places blur are held to the letter too.
  if (plainSeeds.has(seed) || routedDice.chance(0.3)) return { seed, ...world, disturbances, isCalm: false, faultDice, routerDice };
  const { unpinAfterMs, ...more } = routed(routedDice, world);
  return { seed, ...more, disturbances: { ...disturbances, unpinAfterMs }, faultDice, routerDice };
}

/** Where all are paid and nobody may be, nobody is left, which is refused at start; left out, it means that they may. */
function withSomebody(settings: Settings, providers: readonly ProviderPlan[]): Settings {
  const isNobody = settings.allowPaid === false && providers.every(({ cost }) => cost === 'paid');
  return isNobody ? { ...settings, allowPaid: undefined } : settings;
}

function planProviders(dice: Dice, spanMs: number): ProviderPlan[] {
  const count = dice.whole(2, 5);
  const anchor = dice.chance(0.6) ? dice.whole(0, count - 1) : -1;
  return Array.from({ length: count }, (_, index): ProviderPlan => {
    const isAnchor = index === anchor;
    const on = dice.chance(0.55) ? 'wire' : 'custom';
    const wire = dice.pick(wireTypes.filter(({ embeds }) => embeds || !isAnchor));
    return {
      ...plainMachine,
      id: `p${index}`,
      on,
      format: wire.format,
      type: on === 'wire' ? wire.type : 'custom',
      embeds: on === 'custom' || wire.embeds,
      device: dice.pick(['gpu', 'cpu', 'remote', 'cloud']),
      cost: !isAnchor && dice.chance(0.2) ? 'paid' : 'free',
      priority: dice.chance(0.2) ? dice.whole(-1, 2) : 0,
      isAnchor,
      program: makeProgram(dice.fork(), { on, spanMs, isHealthy: isAnchor }),
    };
  });
}

function planSettings(dice: Dice): Settings {
  return {
    maxAttempts: dice.pick([1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5]),
    deadlineMs: dice.chance(0.3) ? 120_000 : dice.spread(3_000, 60_000),
    allowPaid: dice.chance(0.6),
    timeouts: {
      firstTokenMs: dice.chance(0.5) ? 10_000 : dice.spread(500, 8_000),
      idleMs: dice.chance(0.5) ? 15_000 : dice.spread(2_500, 10_000),
    },
    breaker: planBreaker(dice),
    retry: dice.chance(0.6) ? undefined : dice.chance(0.3) ? 'availability' : { maxTokens: dice.whole(3, 12), tokensPerSuccess: 0.3 },
    hedge: dice.chance(0.35) && { minDelayMs: dice.spread(20, 1_500), minSamples: dice.whole(1, 6), maxLoad: dice.pick([0.05, 0.3, 1]) },
    panic: dice.chance(0.3) ? 'soonest' : 'off',
    onAllOpen: dice.chance(0.3) ? 'wait' : 'fail',
    onStreamFailure: dice.weighted({ error: 6, restart: 2, continue: 2 }),
    ...(dice.chance(0.15) && { throughput: { minCharsPerSecond: dice.spread(5, 60), sampleChars: dice.whole(10, 80) } }),
    pinMs: dice.spread(5_000, 1_800_000),
    checkModels: dice.chance(0.1),
  };
}

function planBreaker(dice: Dice): NonNullable<RouterOptions['breaker']> {
  const which = dice.weighted({ usual: 6, classic: 2, own: 3 });
  if (which === 'classic') return 'classic';
  if (which === 'usual') return {};
  const openMs = dice.spread(500, 30_000);
  return {
    failureThreshold: dice.whole(1, 5),
    minimumOutcomes: dice.whole(4, 15),
    openMs,
    maxOpenMs: openMs * dice.whole(1, 8),
    jitter: dice.share() * 0.3,
  };
}
