import type { Canaries } from '../_kit/canaries.ts';
import type { Figure, Size } from '../_kit/job.ts';

/** What every measurement gets. */
export interface Setting {
  readonly canaries: Canaries;
  /** Gets the kinds of canaries that arrived somewhere. */
  readonly planted: Set<string>;
  readonly size: Size;
  readonly seed: number;
}

export interface Measured {
  readonly figures: readonly Figure[];
  readonly detail: Readonly<Record<string, unknown>>;
  readonly remarks?: readonly string[];
}
