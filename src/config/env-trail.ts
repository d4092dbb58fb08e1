import { envTable } from './env-table.ts';
import type { Findings } from './findings.ts';

/** What became of one variable that was set. */
export interface EnvSetting {
  readonly variable: string;
  /** Dotted paths of the options it produced; empty where it was not used. */
  readonly sets: readonly string[];
  /** Why it was not used. */
  readonly note?: string;
  /** What is wrong with it, or what it contradicts. */
  readonly problem?: string;
  /** Its value must not be shown. */
  readonly secret?: true;
}

/** Which variable led to what, as it is found out. */
export interface Trail {
  /** It is set, whatever it holds. */
  found(variable: string): void;
  sets(variable: string, path: string): void;
  /** The reason shown where a variable turns out to have set nothing; the first one stays. */
  unused(variable: string, note: string): void;
  /** The same over any reason before: its provider is used, and has the option from another variable. */
  outranked(variable: string, note: string): void;
  /** One row for each variable that is set. */
  report(findings: Findings): readonly EnvSetting[];
}

export function createTrail(): Trail {
  const names = new Set<string>();
  const paths = new Map<string, readonly string[]>();
  const notes = new Map<string, string>();
  return {
    found: (variable) => void names.add(variable),
    sets: (variable, path) => {
      const known = paths.get(variable) ?? [];
      if (!known.includes(path)) paths.set(variable, [...known, path]);
    },
    unused: (variable, note) => void (notes.has(variable) || notes.set(variable, note)),
    outranked: (variable, note) => void notes.set(variable, note),
    report: ({ issues }) =>
      [...names].map((variable): EnvSetting => {
        const sets = paths.get(variable) ?? [];
        const problem = issues.find(({ path }) => path === variable)?.message;
        return {
          variable,
          sets,
          ...(sets.length === 0 && problem === undefined && { note: notes.get(variable) ?? 'nothing here depends on it' }),
          ...(problem !== undefined && { problem }),
          ...(Object.hasOwn(envTable, variable) && envTable[variable]?.secret && { secret: true }),
        };
      }),
  };
}
