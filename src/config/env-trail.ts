import { type EnvVariable, envTable } from './env-table.ts';
import type { EnvValues } from './env-values.ts';

/** What became of one variable that was set. */
export interface EnvSetting {
  readonly variable: string;
  /** Dotted paths of the options it produced; empty where it was not used. */
  readonly sets: readonly string[];
  /** Why it was not used. */
  readonly note?: string;
}

/** Which variable led to what, as it is found out. */
export interface Trail {
  sets(variable: EnvVariable, path: string): void;
  /** The reason shown where a variable turns out to have set nothing; the first one stays. */
  unused(variable: EnvVariable, note: string): void;
  /** One row for each variable that is set. */
  report(values: EnvValues): readonly EnvSetting[];
}

export function createTrail(): Trail {
  const paths = new Map<EnvVariable, string[]>();
  const notes = new Map<EnvVariable, string>();
  return {
    sets: (variable, path) => void paths.set(variable, [...(paths.get(variable) ?? []), path]),
    unused: (variable, note) => void (notes.has(variable) || notes.set(variable, note)),
    report: (values) =>
      (Object.keys(envTable) as EnvVariable[])
        .filter((variable) => values[variable] !== undefined)
        .map((variable) => {
          const sets = paths.get(variable) ?? [];
          return sets.length > 0 ? { variable, sets } : { variable, sets, note: notes.get(variable) ?? 'nothing here depends on it' };
        }),
  };
}
