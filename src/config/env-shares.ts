import { isPaid } from './env-consent.ts';
import type { Step } from './env-order.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import type { Findings } from './findings.ts';
import type { RouterOptions } from './options.ts';
import type { Preset } from './presets.ts';

export interface Shares {
  readonly options: Pick<RouterOptions, 'balance' | 'intents' | 'maxAttempts'>;
  /** Ids of two providers, and their weights; undefined: nothing is shared. */
  readonly shares: ReadonlyMap<string, number> | undefined;
}

const none: Shares = { options: {}, shares: undefined };

/** As the configuration that the variable comes from has it. */
const usualRatio = 0.8;

export function sharesCalls({ LOAD_BALANCING: asked }: EnvValues, preset: Preset | undefined): boolean {
  return asked === true && (preset === undefined || preset.selects === 'PRIMARY_BACKEND');
}

/** LOAD_BALANCING: calls go to the first two providers by LOAD_RATIO, and each still stands in for the other. */
export function balanceOf(steps: readonly Step[], values: EnvValues, preset: Preset | undefined, trail: Trail, findings: Findings): Shares {
  const { LOAD_RATIO: ratio = usualRatio } = values;
  trail.unused('LOAD_RATIO', 'LOAD_BALANCING is not true');
  trail.unused('LOAD_BALANCING', 'it is false, as where it is not set');
  if (!sharesCalls(values, preset) || steps.length === 0) return none;
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
  const ids = [first.draft.id, second.draft.id];
  trail.sets('LOAD_BALANCING', 'balance');
  trail.sets('LOAD_BALANCING', 'intents.fast.order');
  for (const id of ids) trail.sets('LOAD_RATIO', `providers.${id}.weight`);
  const isFailoverOff = values.AUTO_FAILOVER === false || values.ENABLE_FALLBACK === false;
  return {
    options: { balance: 'weighted', intents: { fast: { order: [ids] } }, ...(isFailoverOff && { maxAttempts: 1 }) },
    shares: new Map([
      [first.draft.id, ratio],
      // Six decimals, as it was written: 1 - 0.7 is not 0.3.
      [second.draft.id, Number((1 - ratio).toFixed(6))],
    ]),
  };
}
