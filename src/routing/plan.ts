import type { Capabilities, Feature, Parameter } from '../core/capabilities.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { SkippedCandidate } from '../core/errors.ts';
import type { Verb } from '../core/events.ts';

/** What is known of one (provider, model) pair at the moment of planning. Times are on the router's clock. */
export interface CandidateFacts {
  readonly provider: string;
  /** The provider's own name for the model; undefined where the server chooses. */
  readonly model: string | undefined;
  /** Why the provider cannot serve the model asked for; undefined where nothing speaks against it. */
  readonly missing: string | undefined;
  /** The model is the provider's default in place of the one asked for. */
  readonly substituted: boolean;
  /** What the model is called across providers (its alias, else its name): embeddings stay within one. */
  readonly space: string;
  readonly device: string;
  readonly cost: 'free' | 'paid';
  readonly priority: number;
  readonly verbs: Readonly<Record<Verb, boolean>>;
  readonly capabilities: Capabilities;
  /** Parameters that the request would go out without; asked only where that matters. */
  readonly leavesOut: () => readonly Parameter[];
  /** Why the provider is out until its configuration changes, or for a long rest. */
  readonly disabled: string | undefined;
  readonly pinnedUntilMs: number | undefined;
  /** What the provider, or the model there, rests for. */
  readonly rests: { readonly untilMs: number; readonly reason: ErrorCode } | undefined;
  /** Set while the breaker lets nothing through: when it will let a probe through. */
  readonly openUntilMs: number | undefined;
  /** It does so because it has just been open, and now finds out with few calls whether the provider is back. */
  readonly isRecovering?: boolean;
}

export interface PlanInput {
  /** In the order of the registry. */
  readonly facts: readonly CandidateFacts[];
  readonly verb: Verb;
  readonly needs: readonly Feature[];
  /** Parameters that must not be left out. */
  readonly parameters: readonly Parameter[];
  readonly intent: string;
  /** Devices, first to last. */
  readonly order: readonly string[];
  readonly allowPaid: boolean;
  /** Only this provider. */
  readonly only: string | undefined;
}

export interface PlannedCandidate {
  readonly provider: string;
  readonly model: string | undefined;
  readonly substituted: boolean;
  /** Its pin is put to the test, because nobody else was left when the plan was made. */
  readonly isTrial?: boolean;
  /** Why it stands where it stands, as one sentence. */
  readonly reason: string;
}

export interface SkippedInPlan extends SkippedCandidate {
  readonly substituted: boolean;
  /** When the obstacle ends by itself, where it does. */
  readonly readyAtMs: number | undefined;
}

/** The candidates for a request in order, and those left out, each with its reason. */
export interface Plan {
  readonly intent: string;
  readonly candidates: readonly PlannedCandidate[];
  readonly skipped: readonly SkippedInPlan[];
}

interface Obstacle {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly readyAtMs?: number;
}

/** Gates (can it? may it?), then pins and rests, then order: priority, free before paid, the intent's devices, the registry. */
export function plan(input: PlanInput): Plan {
  const considered = input.only === undefined ? input.facts : input.facts.filter(({ provider }) => provider === input.only);
  const space = input.verb === 'embed' ? spaceOf(considered, input) : undefined;
  const open: CandidateFacts[] = [];
  const pinned: CandidateFacts[] = [];
  const skipped: SkippedInPlan[] = [];
  for (const facts of considered) {
    const found = gate(facts, input) ?? otherSpace(facts, space) ?? pause(facts);
    if (found === undefined) open.push(facts);
    else if (found.code === 'out_of_memory') pinned.push(facts);
    else skipped.push(toSkipped(facts, found));
  }
  // Pins must not make a model unreachable: where nothing else is left, the oldest pin is put to the test.
  if (open.length === 0) open.push(...takeOldestPin(pinned));
  for (const facts of pinned) skipped.push(toSkipped(facts, pinObstacle(facts)));
  const candidates = inOrder(open, input.order).map((facts) => toCandidate(facts, input));
  return { intent: input.intent, candidates, skipped };
}

/** What speaks against a candidate for as long as the request and the configuration stay as they are. */
function gate(facts: CandidateFacts, { verb, needs, parameters, allowPaid, only }: PlanInput): Obstacle | undefined {
  if (!facts.verbs[verb]) return { code: 'unsupported', reason: `cannot ${verb}` };
  const lacking = needs.filter((feature) => !facts.capabilities[feature]);
  if (lacking.length > 0) return { code: 'unsupported', reason: `lacks ${lacking.join(', ')}` };
  const leftOut = parameters.length === 0 ? [] : facts.leavesOut();
  const ignored = parameters.filter((name) => leftOut.includes(name));
  if (ignored.length > 0) return { code: 'unsupported', reason: `has no place for ${ignored.join(', ')}` };
  if (facts.missing !== undefined) return { code: 'model_not_found', reason: facts.missing };
  if (facts.cost === 'paid' && !allowPaid && only === undefined) {
    return { code: 'no_provider', reason: 'costs money, and allowPaid is false' };
  }
  return undefined;
}

/** What speaks against a candidate for a time only. */
function pause(facts: CandidateFacts): Obstacle | undefined {
  if (facts.disabled !== undefined) return { code: 'auth', reason: facts.disabled };
  if (facts.pinnedUntilMs !== undefined) return pinObstacle(facts);
  if (facts.openUntilMs !== undefined) {
    const reason = facts.isRecovering === true ? 'it may have recovered, which few calls at a time find out' : 'its breaker is open';
    return { code: 'circuit_open', reason, readyAtMs: facts.openUntilMs };
  }
  if (facts.rests !== undefined) {
    const { reason, untilMs } = facts.rests;
    return { code: reason, reason: restsFor[reason] ?? 'it rests', readyAtMs: untilMs };
  }
  return undefined;
}

/** The situations in which a provider, or a model there, is left alone for a while without being broken. */
const restsFor: { readonly [Code in ErrorCode]?: string } = {
  overloaded: 'it has no room now',
  rate_limited: 'it asked for a pause',
  quota_exhausted: 'its account has no credit left',
  model_loading: 'the model is being loaded there',
};

function pinObstacle({ pinnedUntilMs }: CandidateFacts): Obstacle {
  return {
    code: 'out_of_memory',
    reason: 'the model ran out of memory there',
    ...(pinnedUntilMs !== undefined && { readyAtMs: pinnedUntilMs }),
  };
}

/** A pin that is put to the test is no way around a breaker or a rest. */
function takeOldestPin(pinned: CandidateFacts[]): CandidateFacts[] {
  const free = pinned.filter(({ openUntilMs, rests }) => openUntilMs === undefined && rests === undefined);
  if (free.length === 0) return [];
  const oldest = free.reduce((left, right) => (pinEnd(right) < pinEnd(left) ? right : left));
  return pinned.splice(pinned.indexOf(oldest), 1);
}

function pinEnd({ pinnedUntilMs = Infinity }: CandidateFacts): number {
  return pinnedUntilMs;
}

const costRank = { free: 0, paid: 1 } as const;

function inOrder(open: readonly CandidateFacts[], order: readonly string[]): readonly CandidateFacts[] {
  const deviceRank = ({ device }: CandidateFacts): number => order.indexOf(device);
  // `sort` is stable, so the order of the registry decides between equals.
  return [...open].sort(
    (left, right) => left.priority - right.priority || costRank[left.cost] - costRank[right.cost] || deviceRank(left) - deviceRank(right),
  );
}

/**
 * Vectors of different models cannot be compared, so an embedding call stays with the model of its first candidate. One that
 * is out for a time still counts: its vectors are what the caller has stored.
 */
function spaceOf(considered: readonly CandidateFacts[], input: PlanInput): string | undefined {
  // A server that has lost its model for the moment is out for a time as well; one that never had a name for it is not meant.
  const able = considered.filter(
    (facts) => gate(facts.model === undefined ? facts : { ...facts, missing: undefined }, input) === undefined,
  );
  return inOrder(able, input.order)[0]?.space;
}

function otherSpace(facts: CandidateFacts, space: string | undefined): Obstacle | undefined {
  if (space === undefined || facts.space === space) return undefined;
  return { code: 'embedding_space', reason: `embeds with ${facts.model ?? 'a model of its own'}, into another vector space` };
}

function toCandidate(facts: CandidateFacts, { intent, order }: PlanInput): PlannedCandidate {
  const { provider, model, substituted, cost, device, priority } = facts;
  const place = `${device} is number ${order.indexOf(device) + 1} for ${intent}`;
  const notes = [priority === 0 ? '' : `priority ${priority}`, cost, place, substituted ? 'with its default model' : ''];
  const isTrial = facts.pinnedUntilMs !== undefined;
  return { provider, model, substituted, ...(isTrial && { isTrial }), reason: notes.filter((note) => note !== '').join(', ') };
}

function toSkipped({ provider, model, substituted }: CandidateFacts, { code, reason, readyAtMs }: Obstacle): SkippedInPlan {
  return { provider, model, substituted, code, reason, readyAtMs };
}
