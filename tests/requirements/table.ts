import { freeFirst } from './free-first.ts';
import { hybrid } from './hybrid.ts';
import { multiBackend } from './multi-backend.ts';
import type { Requirement, SystemTable } from './row.ts';
import { switchable } from './switchable.ts';
import { tgiRegistry } from './tgi-registry.ts';

export { contradictions } from './contradictions.ts';
export { defects } from './defects.ts';
export { goneDefaults } from './gone-defaults.ts';

/** What each of the five systems must do, in the order of their presets. */
export const systems: readonly SystemTable[] = [multiBackend, freeFirst, hybrid, tgiRegistry, switchable];

export function requirementsOf({ topics }: SystemTable): readonly Requirement[] {
  return Object.values(topics).flat();
}
