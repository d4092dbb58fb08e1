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
 * Money is spent only where somebody said so: the switch, a list that names the provider, or nothing but keys of paid ones, which means the
 * first. Either is consent for that one, so others are left out then. A list against the switch is an issue.
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
    if (!asked && paid === undefined && steps.length > 0 && isAllPaid(steps)) findings.warn(['ENABLE_PAID_API'], nobodyLeft);
    return { steps, allowPaid: asked };
  }
  if (named?.by === undefined) return { steps: primaryOf(steps, trail, findings), allowPaid: undefined };
  trail.sets(named.by, 'allowPaid');
  const consented = steps.filter(({ drafts, by }) => by !== undefined || !drafts.some(isPaid));
  for (const draft of leftOut(steps, consented)) {
    noteLeftOut(draft, `it costs money, and nothing says that ${draft.id} may be paid; ENABLE_PAID_API=true does`, trail);
  }
  return { steps: consented, allowPaid: true };
}

const nobodyLeft = 'is false, and everybody who is described costs money, so nobody is left; describe one that is free, or set it to true';

function isAllPaid(steps: readonly Step[]): boolean {
  return steps.every(({ drafts }) => drafts.every(isPaid));
}

/**
 * Where nothing is free the first one is the primary: whoever gives its key means it to be used. That says nothing of the others, to which
 * calls would only come when it fails.
 */
function primaryOf(steps: readonly Step[], trail: Trail, findings: Findings): readonly Step[] {
  if (!isAllPaid(steps)) return steps;
  const primary = steps.slice(0, 1);
  const id = primary[0]?.drafts[0]?.id;
  for (const draft of leftOut(steps, primary)) {
    const note = `${draft.id} costs money and would stand in for ${id}, which nothing allows; ENABLE_PAID_API=true or PROVIDER_ORDER does`;
    noteLeftOut(draft, note, trail);
    for (const [variable] of draft.from.slice(0, 1)) findings.warn([variable], `is not used: ${note}`);
  }
  return primary;
}

function leftOut(steps: readonly Step[], kept: readonly Step[]): readonly Draft[] {
  return steps.filter((step) => !kept.includes(step)).flatMap(({ drafts }) => drafts);
}

function noteLeftOut({ from }: Draft, note: string, trail: Trail): void {
  for (const [variable] of from) trail.unused(variable, note);
}

export function isPaid({ options: { type, cost } }: Draft): boolean {
  return (cost ?? (type === 'custom' ? 'free' : providerTypes[type].cost)) === 'paid';
}
