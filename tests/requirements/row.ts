import type { PresetName } from '../../src/index.ts';

/** One line of a system's description, in our words. */
export interface Requirement {
  /** What must hold. */
  readonly what: string;
  /** What it is called here: option, variable, function, command, view, adapter or file. */
  readonly here: string;
  /**
   * The tests that hold it: the file in tests/ without `.test.ts`, and the title with the groups that it needs to be the only one of that
   * name (`config/env: paying › a key alone is no consent`). A group stands for all of its tests. The title of a list of cases is written as
   * it stands (`%s is true`), or with one of its cases.
   */
  readonly tests: readonly string[];
  /** The description tells it in passing; the other lines are those that it lists as what must work. */
  readonly isBeside?: true;
}

export interface SystemTable {
  readonly system: PresetName;
  readonly topics: Readonly<Record<string, readonly Requirement[]>>;
}

export function row(what: string, here: string, ...tests: readonly string[]): Requirement {
  return { what, here, tests };
}

export function beside(what: string, here: string, ...tests: readonly string[]): Requirement {
  return { what, here, tests, isBeside: true };
}

/** A test that is still to be written: the check of this table fails, and says so, until its title stands here. */
export function awaited(what: string): string {
  return `awaited: ${what}`;
}
