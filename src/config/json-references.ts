import type { EnvSetting } from './env-trail.ts';
import type { Env } from './env-values.ts';
import { type Findings, type Path, pathText } from './findings.ts';

/** The variables that a document named, and where. */
export interface References {
  /** The names that stand at a path, as they are written: `${A}`. */
  at(path: string): readonly string[];
  /** A variable that the document did not name, read for what it leaves open. */
  read(variable: string, path: Path): string | undefined;
  /** One row for each variable, in the order in which they came up. */
  report(): readonly EnvSetting[];
}

type Variable = { readonly value: string } | { readonly problem: string; readonly isAbsent: boolean };

/**
 * Puts the values of variables into the texts of a copied document: `${NAME}`, `${NAME:-text for when it is not set}`, and `$${` for
 * the two signs themselves. It happens after the JSON was read, so a value can never become more than the text that it is; names of
 * options are left alone. What cannot be resolved is refused and stays as it is written.
 */
export function resolveReferences(document: unknown, env: Env, findings: Findings): References {
  const paths = new Map<string, Set<string>>();
  const names = new Map<string, Set<string>>();
  const note = (variable: string, path: Path): void => {
    add(paths, variable, pathText(path));
    add(names, pathText(path), `\${${variable}}`);
  };
  const resolve = (text: string, path: Path): string => {
    const problems = new Set<string>();
    const resolved = text.replace(reference, (written, name?: string, otherwise?: string) => {
      if (written === '$${') return '${';
      if (name === undefined) {
        problems.add(malformed);
        return written;
      }
      note(name, path);
      const variable = readVariable(env, name);
      if ('value' in variable) return variable.value;
      if (otherwise !== undefined && variable.isAbsent) return otherwise;
      problems.add(`${refersTo} \${${name}}, ${variable.problem}`);
      return written;
    });
    for (const problem of problems) findings.refuse(path, problem);
    return resolved;
  };
  walk(document, [], resolve);
  return {
    at: (path) => [...(names.get(path) ?? [])],
    read(name, path) {
      const variable = readVariable(env, name);
      if (!('value' in variable)) return undefined;
      note(name, path);
      return variable.value;
    },
    report: () => [...paths].map(([variable, sets]) => ({ variable, sets: [...sets] })),
  };
}

function add(sets: Map<string, Set<string>>, name: string, entry: string): void {
  const set = sets.get(name) ?? new Set();
  sets.set(name, set.add(entry));
}

const reference = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\})?/g;

/** How the issue of a variable begins that has no value to give. */
const refersTo = 'refers to';

/** Whether an issue is that of a reference itself, and names it. */
export function isOfReference(message: string): boolean {
  return message.startsWith(refersTo);
}

const malformed = 'holds ${ that begins no reference; write ${NAME} with letters, digits and _ only, or $${ for the two signs themselves';
const advice = 'write a default as ${NAME:-default}';
const notSet: Variable = { problem: `a variable that is not set; set it, or ${advice}`, isAbsent: true };
const empty: Variable = { problem: `a variable that is empty; give it a value, or ${advice}`, isAbsent: true };

/** The platform's table of variables may hold other things than text, and may throw. */
function readVariable(env: Env, name: string): Variable {
  try {
    const value: unknown = Object.hasOwn(env, name) || !(name in Object.prototype) ? env[name] : undefined;
    if (value === undefined) return notSet;
    if (typeof value !== 'string') return { problem: 'a variable that is no text', isAbsent: false };
    return value.trim() === '' ? empty : { value };
  } catch {
    return { problem: 'a variable that could not be read', isAbsent: false };
  }
}

function walk(value: unknown, path: Path, resolve: (text: string, path: Path) => string): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, entry] of Object.entries(value)) {
    const inner = [...path, Array.isArray(value) ? Number(name) : name];
    if (typeof entry === 'string') (value as Record<string, unknown>)[name] = resolve(entry, inner);
    else walk(entry, inner, resolve);
  }
}
