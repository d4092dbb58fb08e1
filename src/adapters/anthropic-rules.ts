import type { ReasoningEffort } from '../core/types.ts';

/** What Claude models of different ages take and refuse with status 400, by their names alone. */
export interface ModelRules {
  /** `budget`: `thinking: { type: 'enabled', budget_tokens }`. `effort`: `{ type: 'adaptive' }` and `output_config.effort`. */
  readonly thinking: 'budget' | 'effort';
  /** Claude thinks since 3.7; nothing need be said to those before. */
  readonly canThink: boolean;
  /** The model refuses `{ type: 'disabled' }`. */
  readonly alwaysThinks: boolean;
  /** `none`: `temperature` and `top_p` are refused unless they are what they would be anyway. `one`: they are refused together. */
  readonly sampling: 'none' | 'one' | 'both';
  /** Stop sequences may be nothing but white space. */
  readonly blankStops: boolean;
  /** `max_tokens` where the request sets no limit; the API demands one. Thinking counts towards it. */
  readonly maxTokens: number;
}

/**
 * As documented in October 2026: 4.6 and later think adaptively and later ones refuse a budget, earlier ones know the budget
 * alone; from 4.1 on `temperature` and `top_p` are refused together, after 4.6 sampling is fixed; Fable, Mythos and, from 5.5,
 * Opus and Sonnet cannot stop thinking. A Claude whose name tells no version is taken for the newest. Any other name belongs to a
 * server that only speaks this protocol, and those know the older form best.
 */
export function rulesOf(model: string): ModelRules {
  if (!/claude/i.test(model))
    return { thinking: 'budget', canThink: true, alwaysThinks: false, sampling: 'both', blankStops: true, maxTokens: shortAnswer };
  const version = versionOf(model);
  return {
    thinking: version >= 406 ? 'effort' : 'budget',
    canThink: version >= 307,
    alwaysThinks: /fable|mythos/i.test(model) || (version >= 505 && !/haiku/i.test(model)),
    sampling: version >= 407 ? 'none' : version >= 401 ? 'one' : 'both',
    blankStops: false,
    maxTokens: version < 400 ? shortAnswer : longAnswer,
  };
}

/** The most that Claude 3 Haiku and Opus write. */
const shortAnswer = 4_096;
/** Room for an answer and the thinking before it, and still written within the ten minutes that one HTTP answer may take. */
const longAnswer = 16_000;

/** `claude-opus-4-6` and `claude-opus-4.6` are 406, `claude-3-haiku-20240307` is 300; a number of eight digits is a date. */
function versionOf(model: string): number {
  const [, major, minor = '0'] = /claude-(?:[a-z]+-)?v?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?/i.exec(model) ?? [];
  return major === undefined ? Infinity : Number(major) * 100 + Number(minor);
}

/** The least that the API takes as a budget. */
export const leastBudget = 1_024;

/** Tokens of thought, for models that are told a number. The largest leaves Claude Opus 4 half of its 32,000 for the answer. */
export const budgets: Readonly<Record<Exclude<ReasoningEffort, 'none'>, number>> = Object.freeze({
  minimal: leastBudget,
  low: leastBudget,
  medium: 4_096,
  high: 8_192,
  xhigh: 16_000,
  max: 16_000,
});
