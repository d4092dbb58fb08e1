import type { Feature, Parameter } from '../core/capabilities.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { Verb } from '../core/events.ts';
import type { Locality } from '../core/locality.ts';
import { costUsd } from './cost.ts';
import type { CandidateFacts } from './facts.ts';
import { mostPerEstimate, surelyAtLeast } from './tokens.ts';

/** Estimated when they are first asked for. */
export interface TokenEstimates {
  promptTokens(): number;
  /** The same of its text alone: what images, schemas and tools that must not be called count as differs from server to server. */
  textTokens(): number;
}

/** What a request needs and may do. */
export interface GateInput {
  readonly verb: Verb;
  readonly needs: readonly Feature[];
  /** Parameters that must not be left out. */
  readonly parameters: readonly Parameter[];
  /** Who may be paid: any provider, those that the intent's order names, or nobody. */
  readonly pays: 'any' | 'named' | 'nobody';
  readonly maxLocality: Locality;
  readonly maxDistance: number;
  /** The most that one attempt may cost, in US dollars. */
  readonly maxCostUsd: number | undefined;
  readonly estimates: TokenEstimates;
  /** The most that the answer may have, where the request limits it: all choices together. */
  readonly answerTokens: number | undefined;
  /** Only this provider. */
  readonly only: string | undefined;
  /** None of these providers. */
  readonly without: readonly string[];
}

export interface Obstacle {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly readyAtMs?: number;
}

const cannot: Readonly<Record<Verb, Obstacle>> = {
  chat: { code: 'unsupported', reason: 'cannot chat' },
  stream: { code: 'unsupported', reason: 'cannot stream' },
  embed: { code: 'unsupported', reason: 'cannot embed' },
};

const leftOutByCall: Obstacle = { code: 'no_provider', reason: 'the call is not to go there' };

/** What speaks against a candidate for as long as the request and the configuration stay as they are. What is not known does. */
export function gate(facts: CandidateFacts, input: GateInput): Obstacle | undefined {
  const { place } = facts;
  if (input.without.length > 0 && input.without.includes(place.provider)) return leftOutByCall;
  if (!place.verbs[input.verb]) return cannot[input.verb];
  if (input.needs.length > 0) {
    const lacking = input.needs.filter((feature) => !facts.capabilities[feature]);
    if (lacking.length > 0) return { code: 'unsupported', reason: `lacks ${lacking.join(', ')}` };
  }
  if (input.parameters.length > 0) {
    const ignored = input.parameters.filter((name) => facts.leftOut.includes(name));
    if (ignored.length > 0) return { code: 'unsupported', reason: `has no place for ${ignored.join(', ')}` };
  }
  if (facts.missing !== undefined) return { code: 'model_not_found', reason: facts.missing };
  if (facts.refusal !== undefined) return facts.refusal;
  if (!(place.distance <= input.maxDistance)) return tooFar(place.locality, input.maxLocality);
  const dear = place.cost === 'paid' ? tooDear(facts, input) : undefined;
  return dear ?? (facts.held?.readyAtMs === undefined ? facts.held : undefined) ?? tooLong(facts, input);
}

function tooFar(locality: Locality, maxLocality: Locality): Obstacle {
  return { code: 'no_provider', reason: `lies in "${locality}", and maxLocality is "${maxLocality}"` };
}

/** What the largest image counts as for GPT-4o mini, which makes most of images, 48,169 tokens, in parts of our guess for one. */
const mostPerImageGuess = 61;

/** Claude puts up to 530 tokens of its own before tools, and before a schema. */
const mostBeforeTools = 600;

/** Too much rather than too little: beside images a schema counts as one, and so do tools that must not be called. */
export function mostPromptTokens({ needs, estimates }: Pick<GateInput, 'needs' | 'estimates'>): number {
  const all = estimates.promptTokens();
  const images = needs.includes('vision') ? all - estimates.textTokens() : 0;
  const hasTools = needs.includes('tools') || needs.includes('jsonSchema');
  return (all - images) * mostPerEstimate + images * mostPerImageGuess + (hasTools ? mostBeforeTools : 0);
}

/** Whoever is named by the call has been consented to, unless it forbids to pay anybody; a limit of the cost holds for all. */
function tooDear({ place, price, leftOut }: CandidateFacts, input: GateInput): Obstacle | undefined {
  const { pays, only, maxCostUsd, answerTokens, verb } = input;
  const mayBePaid = pays === 'any' || (pays === 'named' && (place.isNamed || only !== undefined));
  if (!mayBePaid) return { code: 'no_provider', reason: 'costs money, and allowPaid is false' };
  if (maxCostUsd === undefined) return undefined;
  if (price === undefined) return { code: 'no_provider', reason: 'its price is not known, and maxCostUsd is set' };
  if (leftOut.includes('max_tokens')) return { code: 'no_provider', reason: 'its cost has no bound: it has no place for max_tokens' };
  const mostAnswer = verb === 'embed' ? 0 : answerTokens;
  if (mostAnswer === undefined) return { code: 'no_provider', reason: 'its cost has no bound: maxCostUsd needs max_tokens in the request' };
  const most = costUsd(price, mostPromptTokens(input), mostAnswer);
  if (most <= maxCostUsd) return undefined;
  return { code: 'no_provider', reason: `may cost ${dollars(most)}, and maxCostUsd is ${dollars(maxCostUsd)}` };
}

function dollars(usd: number): string {
  return `$${usd < 0.01 ? usd.toPrecision(2) : usd.toFixed(3)}`;
}

/** Only a prompt that surely does not fit; about the others the server has the last word. */
function tooLong({ window, tokenRatio }: CandidateFacts, { estimates }: GateInput): Obstacle | undefined {
  if (window === undefined) return undefined;
  const tokens = estimates.textTokens();
  if (tokens < window / 4) return undefined;
  const least = surelyAtLeast(tokens, tokenRatio);
  if (least < window) return undefined;
  return { code: 'context_length', reason: `holds ${window} tokens, and the prompt has at least ${Math.round(least)}` };
}

/** What speaks against a candidate for a time only. */
export function pause(facts: CandidateFacts): Obstacle | undefined {
  if (facts.disabled !== undefined) return { code: 'auth', reason: facts.disabled };
  if (facts.pinnedUntilMs !== undefined) return pinObstacle(facts);
  if (facts.openUntilMs !== undefined) {
    const reason = facts.isRecovering ? 'it may have recovered, which few calls at a time find out' : 'its breaker is open';
    return { code: 'circuit_open', reason, readyAtMs: facts.openUntilMs };
  }
  if (facts.rests !== undefined) {
    const { reason, untilMs } = facts.rests;
    return { code: reason, reason: restReason(reason), readyAtMs: untilMs };
  }
  return facts.held;
}

/** Why it rests, in words. */
export function restReason(code: ErrorCode): string {
  return restsFor[code] ?? 'it rests';
}

/** The situations in which a provider, or a model there, is left alone for a while without being broken. */
const restsFor: { readonly [Code in ErrorCode]?: string } = {
  overloaded: 'it has no room now',
  rate_limited: 'it asked for a pause',
  quota_exhausted: 'its account has no credit left',
  model_loading: 'the model is being loaded there',
};

export function pinObstacle({ pinnedUntilMs }: CandidateFacts): Obstacle {
  return {
    code: 'out_of_memory',
    reason: 'the model ran out of memory there',
    ...(pinnedUntilMs !== undefined && { readyAtMs: pinnedUntilMs }),
  };
}
