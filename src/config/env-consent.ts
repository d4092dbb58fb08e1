import { providerTypes } from '../core/provider-types.ts';
import type { Step } from './env-order.ts';
import type { Draft } from './env-providers.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import type { Findings } from './findings.ts';

export interface Consent {
  readonly steps: readonly Step[];
  readonly allowPaid: boolean | undefined;
}

/**
 * Money is spent only where somebody said so: the switch, or a list that names the provider. Naming one is consent for that one, so others
 * are left out then. A list against the switch is an issue.
 */
export function resolveConsent(steps: readonly Step[], values: EnvValues, trail: Trail, findings: Findings): Consent {
  const { ENABLE_PAID_API: asked } = values;
  const named = steps.find(({ drafts, by }) => by !== undefined && drafts.some(isPaid));
  const paid = named?.drafts.find(isPaid);
  if (asked === false && paid !== undefined) {
    findings.refuse(['ENABLE_PAID_API'], `is false, but ${named?.by} names ${paid.id}, which costs money; change one of the two`);
  }
  if (asked !== undefined) {
    trail.sets('ENABLE_PAID_API', 'allowPaid');
    return { steps, allowPaid: asked };
  }
  if (named?.by === undefined) return { steps, allowPaid: undefined };
  trail.sets(named.by, 'allowPaid');
  const consented = steps.filter(({ drafts, by }) => by !== undefined || !drafts.some(isPaid));
  for (const { drafts } of steps.filter((step) => !consented.includes(step))) {
    const note = `it costs money, and nothing says that ${drafts[0]?.id} may be paid; ENABLE_PAID_API=true does`;
    for (const [variable] of drafts.flatMap(({ from }) => from)) trail.unused(variable, note);
  }
  return { steps: consented, allowPaid: true };
}

export function isPaid({ options: { type, cost } }: Draft): boolean {
  return (cost ?? (type === 'custom' ? 'free' : providerTypes[type].cost)) === 'paid';
}
