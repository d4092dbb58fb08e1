import { noCapabilities } from '../../src/core/capabilities.ts';
import type { Score } from '../../src/routing/expected-time.ts';
import type { CandidateFacts } from '../../src/routing/facts.ts';
import { type Placed, placesFor } from '../../src/routing/intents.ts';
import { makePlan, type MadePlan, type PlanInput } from '../../src/routing/plan.ts';
import { createShares, type Shares } from '../../src/routing/weighted.ts';

/** A candidate as a test describes it: where its provider stands, and what is known of it. */
export type Described = Placed & Omit<CandidateFacts, 'place'>;

const everything: Described = {
  provider: 'gpu',
  device: 'gpu',
  cost: 'free',
  priority: 0,
  locality: 'host',
  distance: 1,
  weight: 1,
  verbs: { chat: true, stream: true, embed: true },
  model: 'm',
  missing: undefined,
  substituted: false,
  space: 'm',
  capabilities: noCapabilities,
  leftOut: [],
  refusal: undefined,
  window: undefined,
  tokenRatio: undefined,
  price: undefined,
  disabled: undefined,
  pinnedUntilMs: undefined,
  rests: undefined,
  held: undefined,
  openUntilMs: undefined,
  isRecovering: false,
  vramShare: undefined,
  isDown: false,
  busy: 0,
  elsewhere: 0,
  isFull: false,
  slots: Infinity,
  loadMs: 0,
  isLoaded: true,
  seenTokens: 0,
  successShare: 1,
};

/** One that nothing speaks against, but for what is said. */
export function facts(provider: string, other: Partial<Described> = {}): Described {
  return { ...everything, provider, ...other };
}

export interface Asked extends Partial<Omit<PlanInput, 'facts' | 'sharesOf' | 'promptTokens' | 'textTokens'>> {
  readonly promptTokens?: number;
  readonly textTokens?: number;
  readonly intent?: string;
  readonly order?: readonly (readonly string[])[];
  readonly shares?: Shares;
  /** Tokens of the prompt that providers have seen of late. */
  readonly shared?: ReadonlyMap<string, number> | undefined;
}

const soon: Score = { totalMs: 0, queueMs: 0, loadMs: 0, answerMs: 0, failureMs: 0, savedMs: 0, isGuess: false };

const usual: Omit<PlanInput, 'facts' | 'sharesOf'> = {
  most: Infinity,
  verb: 'chat',
  needs: [],
  parameters: [],
  pays: 'nobody',
  maxLocality: 'cloud',
  maxDistance: 4,
  maxCostUsd: undefined,
  estimates: { promptTokens: () => 10, textTokens: () => 10 },
  answerTokens: undefined,
  only: undefined,
  without: [],
  balance: 'priority',
  session: undefined,
  affinity: false,
  scoreFor: () => soon,
  isShown: false,
  lastServed: undefined,
};

const usualOrder = [['gpu'], ['remote'], ['cpu'], ['cloud']];

export function planOf(
  list: readonly Described[],
  {
    intent = 'fast',
    order = usualOrder,
    shares = createShares(),
    promptTokens = 10,
    textTokens = promptTokens,
    shared,
    ...input
  }: Asked = {},
): MadePlan {
  const places = placesFor(intent, order, list);
  const all = places.map((place): CandidateFacts => {
    const facts = { ...(list[place.index] as Described), place };
    return { ...facts, seenTokens: shared?.get(place.provider) ?? facts.seenTokens };
  });
  const estimates = { promptTokens: () => promptTokens, textTokens: () => textTokens };
  return makePlan({ ...usual, estimates, ...input, facts: all, sharesOf: () => shares });
}

/** The providers in order, then those left out as `provider: code, reason`. */
export function planned(list: readonly Described[], asked: Asked = {}): { order: string[]; skipped: string[] } {
  const { candidates, skipped } = planOf(list, asked);
  return {
    order: candidates.map(({ provider }) => provider),
    skipped: skipped.map(({ provider, code, reason }) => `${provider}: ${code}, ${reason}`),
  };
}
