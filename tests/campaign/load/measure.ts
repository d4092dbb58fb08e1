import type { Canaries } from '../_kit/canaries.ts';
import type { Size } from '../_kit/job.ts';

/** What every measurement gets. */
export interface Setting {
  readonly canaries: Canaries;
  readonly size: Size;
  readonly seed: number;
}
