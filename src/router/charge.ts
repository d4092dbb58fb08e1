import type { ErrorCode } from '../core/error-codes.ts';
import { isRouterError } from '../core/errors.ts';
import type { ModelPrice } from '../core/prices.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { costUsd } from '../routing/cost.ts';
import { mostPromptTokens } from '../routing/gates.ts';
import type { ResolvedCall } from './resolve-call.ts';

/** What an attempt may use and cost, until it is known what it has. */
export interface Charge {
  readonly provider: ProviderConfig;
  readonly model: string | undefined;
  /** Undefined where nobody knows, and for free providers. */
  readonly price: ModelPrice | undefined;
  /** Taken from limits of tokens. */
  readonly tokens: number;
  readonly reservedUsd: number;
  /** Streams: pieces that were read of it, each about a token. */
  pieces: number;
}

/** What an attempt has used, as the server told it or as it is estimated. */
export interface Used {
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly isEstimated: boolean;
}

/** What an answer is taken to have that nobody limits: for limits of tokens, and where no server told. */
const usualAnswerTokens = 256;
/** What it may have at most, for budgets: as much as most models give at once. */
const mostAnswerTokens = 4_096;

/** Fields of its own may ask for more tokens, or for another model. */
export function priceOf(
  { type }: ProviderConfig,
  { prices }: Pick<RouterConfig, 'prices'>,
  request: { readonly extra?: Readonly<Record<string, unknown>> | undefined },
  model: string | undefined,
): ModelPrice | undefined {
  return model === undefined || request.extra?.[type] !== undefined ? undefined : prices?.priceOf(type, model);
}

/** Tokens of a call, prompt and answer, before anybody has counted them. */
export function likelyTokens(call: ResolvedCall<unknown>): number {
  return call.estimates.promptTokens() + likelyAnswer(call);
}

function likelyAnswer({ verb, answerTokens }: ResolvedCall<unknown>): number {
  return verb === 'embed' ? 0 : (answerTokens ?? usualAnswerTokens);
}

/** The most that a call may cost there; without a limit of its answer, what is likely at most. */
export function mostCostUsd(price: ModelPrice, call: ResolvedCall<unknown>): number {
  return costUsd(price, mostPromptTokens(call), call.verb === 'embed' ? 0 : (call.answerTokens ?? mostAnswerTokens));
}

export function usedBy(call: ResolvedCall<unknown>, { pieces }: Charge, usage: Usage | EmbedUsage | undefined): Used {
  if (usage !== undefined) {
    const answerTokens = 'completion_tokens' in usage ? usage.completion_tokens : 0;
    return { promptTokens: counted(usage.prompt_tokens), answerTokens: counted(answerTokens), isEstimated: false };
  }
  const answerTokens = call.verb === 'stream' ? pieces : Math.min(likelyAnswer(call), usualAnswerTokens);
  return { promptTokens: call.estimates.promptTokens(), answerTokens, isEstimated: true };
}

/** Adapters of others may count anything. */
function counted(tokens: number): number {
  return Number.isFinite(tokens) && tokens > 0 ? tokens : 0;
}

/** Failures after which a server may have worked for us. */
const mayHaveWorked: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'timeout',
  'bad_response',
  'limit_exceeded',
  'stream_interrupted',
  'unavailable',
  'driver',
  'closed',
]);

/** Has an attempt that failed begun to bill? One that its caller, or the reader, has stopped has. */
export function mayBill({ pieces }: Charge, error: unknown): boolean {
  if (pieces > 0 || !isRouterError(error)) return true;
  return mayHaveWorked.has(error.code) && error.phase !== 'connect' && (error.status === undefined || error.status < 400);
}
