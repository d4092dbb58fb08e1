import type { Values } from './measure.ts';

/** All of one run, as `--json` writes it and the page is made of. */
export interface Run {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** Each process on the core that it should have. */
  readonly isPinned: boolean;
  readonly rounds: number;
  readonly seconds: number;
  /** Of one minute. */
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly candidates: readonly { readonly name: string; readonly packages: readonly string[]; readonly given: string }[];
  readonly values: Values;
  readonly troubles: readonly string[];
}
