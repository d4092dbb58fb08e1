import type { SkippedCandidate } from '../core/errors.ts';
import type { Verb } from '../core/events.ts';
import { arrange, type Arranged, type Balance, type BalanceInput, mostOrdered, type ShareTurn } from './balance.ts';
import type { Score } from './expected-time.ts';
import { type CandidateFacts, tierOf } from './facts.ts';
import { gate, type GateInput, type Obstacle, pause, pinObstacle } from './gates.ts';

export interface PlanInput extends GateInput, BalanceInput {
  /** In the order of the intent. */
  readonly facts: readonly CandidateFacts[];
  /** The most candidates that the plan has. */
  readonly most: number;
}

/** A (provider, model) pair that could serve a request. */
export interface Candidate {
  readonly provider: string;
  readonly model: string | undefined;
  /** The model is the provider's default in place of the one asked for. */
  readonly substituted: boolean;
  /** Its pin is put to the test, because nobody else was left when the plan was made. */
  readonly isTrial?: boolean;
  /** Estimated tokens of the prompt's beginning that it has seen of late, and has probably in its cache. */
  readonly seenTokens?: number;
  /** The time until its first content that is expected, in its parts; where the balance asks for it, and in `explain()`. */
  readonly score?: Score | undefined;
}

type AtProvider = Pick<Candidate, 'provider' | 'model'>;

/** Is the same model at the same provider among these? */
export function isAmong(all: readonly AtProvider[], { provider, model }: AtProvider): boolean {
  return all.some((each) => each.provider === provider && each.model === model);
}

export interface PlannedCandidate extends Candidate {
  /** Candidates of one tier stand equal, and the balance decides between them; smaller goes first. */
  readonly tier: number;
  /** Why it stands where it stands, as one sentence. */
  readonly reason: string;
  readonly score: Score | undefined;
  /** All its slots are taken: a call would have to wait for it. */
  readonly isFull: boolean;
  readonly isTrial: boolean;
  readonly seenTokens: number;
}

export interface SkippedInPlan extends SkippedCandidate {
  readonly substituted: boolean;
  /** When the obstacle ends by itself, where it does. */
  readonly readyAtMs: number | undefined;
}

/** The candidates for a request in order, and those left out, each with its reason. */
export interface MadePlan {
  readonly candidates: readonly PlannedCandidate[];
  readonly skipped: readonly SkippedInPlan[];
  /** The turn that it takes by weight when the call begins. */
  readonly turn: ShareTurn | undefined;
  /** Embeddings: the vector space that the call stays in. */
  readonly space: string | undefined;
  /** There may be more candidates, which come after these. */
  readonly isPartial: boolean;
}

/** What `explain()` tells: a plan, and what it was made for. */
export interface Plan extends Pick<MadePlan, 'candidates' | 'skipped'> {
  /** When it was made, on the router's clock. */
  readonly atMs: number;
  readonly verb: Verb;
  readonly intent: string;
  readonly balance: Balance;
  readonly lane: 'fast' | 'heavy';
  /** Estimated: what the servers count is known only afterwards. */
  readonly promptTokens: number;
}

/**
 * Gates (can it? may it?), then pins and rests, then the order of the intent, then the balance within each tier, with affinity as a
 * bonus there. Changes nothing.
 */
export function makePlan(input: PlanInput): MadePlan {
  const { facts: all, only } = input;
  const space = input.verb === 'embed' ? spaceOf(all, input) : undefined;
  const open: CandidateFacts[] = [];
  const pinned: CandidateFacts[] = [];
  const skipped: SkippedInPlan[] = [];
  for (const facts of all) {
    if (only !== undefined && facts.place.provider !== only) continue;
    const found = gate(facts, input) ?? otherSpace(facts, space) ?? pause(facts);
    if (found === undefined) open.push(facts);
    else if (found.code === 'out_of_memory') pinned.push(facts);
    else skipped.push(toSkipped(facts, found));
  }
  // Pins must not make a model unreachable: where nothing else is left, the oldest pin is put to the test.
  if (open.length === 0) open.push(...takeOldestPin(pinned));
  for (const facts of pinned) skipped.push(toSkipped(facts, pinObstacle(facts)));
  const { candidates, turn } = inOrder(open, input);
  return { candidates, turn, skipped, space, isPartial: open.length > input.most };
}

/** The facts come in the order of the intent, but for models that have spilled out of GPU memory, and for providers that are down. */
function inOrder(open: CandidateFacts[], input: PlanInput): { candidates: PlannedCandidate[]; turn: ShareTurn | undefined } {
  if (open.some(({ vramShare, isDown }) => vramShare !== undefined || isDown)) open.sort((left, right) => tierOf(left) - tierOf(right));
  const candidates: PlannedCandidate[] = [];
  let turn: ShareTurn | undefined;
  for (let from = 0; from < open.length && candidates.length < input.most;) {
    const tier = tierOf(open[from] as CandidateFacts);
    let to = from + 1;
    while (to < open.length && tierOf(open[to] as CandidateFacts) === tier) to += 1;
    const members = from === 0 && to === open.length ? open : open.slice(from, to);
    const arranged: Arranged = candidates.length < mostOrdered || input.isShown ? arrange(tier, members, input) : { order: members };
    // Only the tier that is tried first gives out a turn.
    if (from === 0) turn = arranged.turn;
    const { order, scores } = arranged;
    for (let index = 0; index < order.length && candidates.length < input.most; index++) {
      const facts = order[index] as CandidateFacts;
      const score = scores?.[index] ?? (input.isShown ? input.scoreFor(facts) : undefined);
      candidates.push(toCandidate(facts, tier, score));
    }
    from = to;
  }
  return { candidates, turn };
}

/** A pin that is put to the test is no way around a breaker or a rest. */
function takeOldestPin(pinned: CandidateFacts[]): CandidateFacts[] {
  const free = pinned.filter(({ openUntilMs, rests, held }) => openUntilMs === undefined && rests === undefined && held === undefined);
  if (free.length === 0) return [];
  const oldest = free.reduce((left, right) => (pinEnd(right) < pinEnd(left) ? right : left));
  return pinned.splice(pinned.indexOf(oldest), 1);
}

function pinEnd({ pinnedUntilMs = Infinity }: CandidateFacts): number {
  return pinnedUntilMs;
}

/**
 * Vectors of different models cannot be compared, so an embedding call stays with the model of its first candidate. One that
 * is out for a time still counts: its vectors are what the caller has stored.
 */
function spaceOf(all: readonly CandidateFacts[], input: PlanInput): string | undefined {
  // A server that has lost its model for the moment is out for a time as well; one that never had a name for it is not meant. A text that
  // is too long for it, or too dear there, has no place elsewhere either: the caller's shorter ones are in its space.
  const shortest: PlanInput = { ...input, estimates: noTokens };
  const isAble = (facts: CandidateFacts): boolean =>
    (input.only === undefined || facts.place.provider === input.only) && gate(standing(facts), shortest) === undefined;
  return all.find(isAble)?.space;
}

const noTokens: PlanInput['estimates'] = { promptTokens: () => 0, textTokens: () => 0 };

/** Without what says nothing about whose vectors the caller has: a model that is lost for the moment, vectors that are left out. */
function standing(facts: CandidateFacts): CandidateFacts {
  const { model, missing, refusal } = facts;
  return {
    ...facts,
    missing: model === undefined ? missing : undefined,
    refusal: refusal?.code === 'embedding_space' ? undefined : refusal,
  };
}

function otherSpace(facts: CandidateFacts, space: string | undefined): Obstacle | undefined {
  if (space === undefined || facts.space === space) return undefined;
  return { code: 'embedding_space', reason: `embeds with ${facts.model ?? 'a model of its own'}, into another vector space` };
}

function toCandidate(facts: CandidateFacts, tier: number, score: Score | undefined): PlannedCandidate {
  const { model, substituted, place, pinnedUntilMs, vramShare, seenTokens, isFull, isDown } = facts;
  const reason = substituted || vramShare !== undefined || isDown ? noted(facts) : place.reason;
  return { provider: place.provider, model, substituted, isTrial: pinnedUntilMs !== undefined, tier, reason, score, seenTokens, isFull };
}

function noted({ place, substituted, vramShare, isDown }: CandidateFacts): string {
  const spill = vramShare === undefined ? '' : `, with ${Math.round(vramShare * 100)}% of the model in GPU memory`;
  const down = isDown ? '; behind the others, because it did not say how it is' : '';
  return `${place.reason}${substituted ? ', with its default model' : ''}${spill}${down}`;
}

function toSkipped({ place: { provider }, model, substituted }: CandidateFacts, { code, reason, readyAtMs }: Obstacle): SkippedInPlan {
  return { provider, model, substituted, code, reason, readyAtMs };
}
