import type { Balance, IntentOptions, Locality } from '../../../src/index.ts';
import type { Dice } from './dice.ts';
import type { CallPlan } from './load.ts';
import { mayBeAsked, placesFrom } from './possible.ts';
import type { ProviderPlan, Settings } from './scenario.ts';

/** How a backend tells its load: as it is, in nonsense, not at all, too late. `mixed`: each of them in turn. */
export type Telling = 'truth' | 'wrong' | 'fails' | 'refuses' | 'hangs' | 'late' | 'mixed';

/** The models of a backend that loads them when they are asked for. */
export interface MemoryPlan {
  readonly loadMs: number;
  /** Unloaded when nobody has asked for so long. */
  readonly keptMs: number;
  /** Only one model fits at a time. */
  readonly isSingle: boolean;
}

/** What routing adds to a provider; `plainMachine` is one of which nothing is known. */
export interface Machine {
  readonly maxConcurrent: number | undefined;
  readonly reservedForFast: number | undefined;
  readonly weight: number | undefined;
  readonly locality: Locality | undefined;
  readonly tells: Telling | undefined;
  /** How many calls it says that it takes at once. */
  readonly toldSlots: number | undefined;
  /** Part of each of its models that lies in GPU memory, as it says. */
  readonly vramShare: number;
  readonly memory: MemoryPlan | undefined;
}

export const plainMachine: Machine = {
  maxConcurrent: undefined,
  reservedForFast: undefined,
  weight: undefined,
  locality: undefined,
  tells: undefined,
  toldSlots: undefined,
  vramShare: 1,
  memory: undefined,
};

interface World {
  readonly providers: readonly ProviderPlan[];
  readonly settings: Settings;
  readonly load: readonly CallPlan[];
}

/** A world and what is decided in it beside calls. */
export interface Routed extends World {
  readonly unpinAfterMs: number | undefined;
  /** Everybody is well and free for the whole run, and takes turns by weight. */
  readonly isCalm: boolean;
}

/**
 * Machines with limits, places and memories, rules for who may be asked, and calls that make use of them, over a world that knows
 * nothing of them. It has dice of its own, so that the world below stays what it is for each seed.
 */
export function routed(dice: Dice, world: World): Routed {
  if (dice.chance(0.1)) return calm(dice, world);
  const providers = planMachines(dice, world.providers);
  const settings = planRules(dice, world.settings, providers);
  // Where calls come faster than they are served they wait for each other.
  const squeeze = dice.pick([1, 1, 20, 100]);
  const load = world.load.map((plan) => ({ ...planCall(dice, plan, settings), atMs: plan.atMs / squeeze }));
  const unpinAfterMs = dice.chance(0.4) ? dice.spread(1, 60_000) : undefined;
  return { providers, settings, load, unpinAfterMs, isCalm: false };
}

const balances: readonly Balance[] = ['priority', 'weighted', 'least-busy', 'expected-ttft'];

function planMachines(dice: Dice, providers: readonly ProviderPlan[]): ProviderPlan[] {
  const [limited, placed, telling, loading] = [dice.pick([0, 0.3, 0.7, 1]), dice.chance(0.5), dice.chance(0.5), dice.chance(0.4)];
  return providers.map((provider): ProviderPlan => {
    const slots = dice.chance(limited) ? dice.pick([1, 1, 2, 2, 3, 4, 5]) : undefined;
    const isTelling = telling && dice.chance(0.7);
    const tells = dice.weighted<Telling>({ truth: 4, mixed: 2, wrong: 1, fails: 0.5, refuses: 0.5, hangs: 0.5, late: 0.5 });
    const memory = { loadMs: dice.spread(300, 8_000), keptMs: dice.spread(5_000, 600_000), isSingle: dice.chance(0.3) };
    const [toldSlots, vramShare] = [dice.chance(0.5) ? dice.whole(0, 4) : undefined, dice.chance(0.6) ? 1 : dice.share()];
    const reserved = dice.chance(0.4) && slots !== undefined ? dice.whole(0, slots - 1) : undefined;
    const loads = loading && dice.chance(0.6) && provider.on === 'custom' && !provider.isAnchor;
    const [weight, locality] = [dice.pick([undefined, 1, 2, 3, 0.5]), dice.pick(placesFrom)];
    return {
      ...provider,
      maxConcurrent: slots,
      reservedForFast: reserved,
      weight,
      locality: placed ? locality : undefined,
      tells: isTelling ? tells : undefined,
      toldSlots: isTelling ? toldSlots : undefined,
      vramShare,
      memory: loads ? memory : undefined,
    };
  });
}

function planRules(dice: Dice, settings: Settings, providers: readonly ProviderPlan[]): Settings {
  const queue = {
    limit: dice.pick([0, 1, 2, 3, 5, 20, undefined, undefined]),
    timeoutMs: dice.chance(0.5) ? dice.spread(30, 20_000) : undefined,
    agingMs: dice.chance(0.8) ? dice.spread(10, 5_000) : undefined,
  };
  const intents: Record<string, IntentOptions> = { own: planIntent(dice, providers) };
  if (dice.chance(0.4)) intents['fast'] = planIntent(dice, providers);
  if (dice.chance(0.4)) intents['heavy'] = { ...planIntent(dice, providers), lane: 'heavy', deadlineMs: settings.deadlineMs };
  const drawn: Settings = {
    ...settings,
    queue,
    intents,
    balance: dice.pick(balances),
    pollMs: dice.chance(0.3) ? false : dice.spread(200, 20_000),
    maxLocality: dice.chance(0.4) ? dice.pick(placesFrom) : undefined,
    defaultIntent: dice.chance(0.1) ? 'own' : undefined,
  };
  return leavingSomebody(drawn, providers);
}

function planIntent(dice: Dice, providers: readonly ProviderPlan[]): IntentOptions {
  const names = ['gpu', 'cpu', 'remote', 'cloud', ...providers.map(({ id }) => id)];
  const some = (): string[] => Array.from({ length: dice.whole(1, 3) }, () => dice.pick(names));
  const order = [dice.chance(0.6) ? some() : dice.pick(names), dice.chance(0.5) ? some() : dice.pick(names), dice.pick(names)];
  const seen = new Set<string>();
  // A name stands where it is named first.
  const isNew = (name: string): boolean => {
    const isFirst = !seen.has(name);
    seen.add(name);
    return isFirst;
  };
  return {
    order: order.map((place) => [place].flat().filter(isNew)).filter((group) => group.length > 0),
    balance: dice.pick([undefined, ...balances]),
    lane: dice.chance(0.4) ? 'heavy' : 'fast',
    maxLocality: dice.chance(0.3) ? dice.pick(placesFrom) : undefined,
    allowPaid: dice.chance(0.3) ? dice.chance(0.5) : undefined,
  };
}

/** A configuration of which some intent leaves nobody is refused at start, and so is one that forbids to pay whom it names. */
function leavingSomebody(drawn: Settings, providers: readonly ProviderPlan[]): Settings {
  const leaves = (settings: Settings, name: string): boolean =>
    providers.some((provider) => mayBeAsked({ intent: name }, provider, { settings, providers }));
  const intents = Object.fromEntries(
    Object.entries(drawn.intents ?? {}).map(([name, intent]): [string, IntentOptions] => {
      const named = new Set((intent.order ?? []).flat());
      const isContradiction = intent.allowPaid === false && providers.some(({ id, cost }) => cost === 'paid' && named.has(id));
      const allowed = isContradiction ? { ...intent, allowPaid: undefined } : intent;
      const isOpen = leaves({ ...drawn, maxLocality: undefined, intents: { [name]: allowed } }, name);
      return [name, isOpen ? allowed : { ...allowed, maxLocality: undefined, allowPaid: undefined }];
    }),
  );
  const settings = { ...drawn, intents };
  const isOpen = ['fast', 'heavy', 'own'].every((name) => leaves(settings, name));
  return isOpen ? settings : { ...settings, maxLocality: undefined };
}

function planCall(dice: Dice, plan: CallPlan, { intents }: Settings): CallPlan {
  const intent = dice.weighted({ usual: 4, fast: 2, heavy: 3, own: intents?.['own'] === undefined ? 0 : 3 });
  return {
    ...plan,
    intent: intent === 'usual' ? undefined : intent,
    session: dice.chance(0.15) ? `session ${dice.whole(0, 3)}` : undefined,
    maxLocality: dice.chance(0.1) ? dice.pick(placesFrom) : undefined,
  };
}

/** Nobody fails and nobody has a limit, so that each turn goes where the weights say. */
function calm(dice: Dice, { providers, settings, load }: World): Routed {
  const isMixed = providers.some(({ embeds }) => !embeds);
  return {
    providers: providers.map((provider) => ({
      ...provider,
      weight: dice.pick([undefined, 1, 2, 3, 5, 0.5, 0.1]),
      priority: 0,
      device: dice.chance(0.8) ? 'gpu' : provider.device,
      isAnchor: true,
      program: () => 'healthy',
    })),
    settings: { ...settings, balance: 'weighted', throughput: undefined },
    load: load.map((plan) => ({
      ...plan,
      verb: isMixed && plan.verb === 'embed' ? 'chat' : plan.verb,
      intent: dice.pick([undefined, 'fast', 'heavy']),
      session: dice.chance(0.1) ? 'session' : undefined,
      allowPaid: undefined,
      abort: plan.abort === 'before' ? 'none' : plan.abort,
      group: undefined,
    })),
    unpinAfterMs: undefined,
    isCalm: true,
  };
}
