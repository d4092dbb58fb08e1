import { isPaid } from './env-consent.ts';
import type { Step } from './env-order.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import { type Findings, pathText } from './findings.ts';
import type { RouterOptions } from './options.ts';
import type { Preset } from './presets.ts';
import { shareCalls, usualRatio } from './share-calls.ts';

export interface Shares {
  readonly options: Pick<RouterOptions, 'balance' | 'intents' | 'maxAttempts'>;
  /** By the ids of two providers; empty: nothing is shared. */
  readonly weights: ReadonlyMap<string, number>;
}

const none: Shares = { options: {}, weights: new Map() };

/** Whether the calls go to two providers by a ratio. */
export function isShared({ LOAD_BALANCING: asked }: EnvValues, preset: Preset | undefined): boolean {
  return asked === true && (preset === undefined || preset.selects === 'PRIMARY_BACKEND');
}

/** LOAD_BALANCING: calls go to the first two providers by LOAD_RATIO, and each still stands in for the other. */
export function balanceOf(steps: readonly Step[], values: EnvValues, preset: Preset | undefined, trail: Trail, findings: Findings): Shares {
  const { LOAD_RATIO: ratio = usualRatio } = values;
  trail.unused('LOAD_RATIO', 'LOAD_BALANCING is not true');
  trail.unused('LOAD_BALANCING', 'it is false, as where it is not set');
  if (!isShared(values, preset) || steps.length === 0) return none;
  const [first, second] = steps.flatMap(({ drafts, by }) => drafts.map((draft) => ({ draft, by })));
  if (first === undefined || second === undefined) {
    findings.refuse(['LOAD_BALANCING'], 'is true, but there is one provider only; name two in PRIMARY_BACKEND and SECONDARY_BACKEND');
    return none;
  }
  // Both stand in one place of the order by name, and to name a provider there is to pay for it.
  for (const { draft, by } of [first, second]) {
    if (isPaid(draft) && by === undefined && values.ENABLE_PAID_API !== true)
      findings.refuse(
        ['LOAD_BALANCING'],
        `would send calls to ${draft.id}, which costs money; name it in PRIMARY_BACKEND or SECONDARY_BACKEND, or set ENABLE_PAID_API=true`,
      );
  }
  const { options, weights } = shareCalls(first.draft.id, second.draft.id, ratio);
  for (const path of ['balance', ...Object.keys(options.intents).map((intent) => `intents.${intent}`)]) trail.sets('LOAD_BALANCING', path);
  for (const id of weights.keys()) trail.sets('LOAD_RATIO', pathText(['providers', id, 'weight']));
  const isFailoverOff = values.AUTO_FAILOVER === false || values.ENABLE_FALLBACK === false;
  return { options: { ...options, ...(isFailoverOff && { maxAttempts: 1 }) }, weights };
}
