import { type EnvKinds, parsers } from './env-parsers.ts';
import { type EnvRow, envTable, familyName, type NamedKind, type NamedVariable } from './env-table.ts';
import type { Trail } from './env-trail.ts';
import type { Findings } from './findings.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** The variables as they were understood; undefined where one is not set. */
type NamedValues = { readonly [Name in NamedVariable]: EnvKinds[NamedKind<Name>] | undefined };

export interface EnvValues extends NamedValues {
  /** Every text and number among them by its name: those that set one option of providers are looked up here. */
  readonly settings: ReadonlyMap<string, string | number>;
  /** Each `TGI_<NAME>_ENDPOINT` and the address in it. */
  readonly endpoints: ReadonlyMap<string, string>;
}

/** Reads every variable of the table once. What cannot be understood is refused: a default in its place would surprise. */
export function readValues(env: Env, trail: Trail, findings: Findings): EnvValues {
  const named: Record<string, unknown> = {};
  const settings = new Map<string, string | number>();
  for (const [name, row] of Object.entries(envTable)) {
    const value = readOne(env, name, row, trail, findings);
    named[name] = value;
    if (typeof value === 'string' || typeof value === 'number') settings.set(name, value);
  }
  const endpoints = readEndpoints(env, trail, findings);
  // Each row was read by the parser of its own kind.
  return { ...(named as unknown as NamedValues), settings, endpoints };
}

function readOne(env: Env, name: string, row: EnvRow, trail: Trail, findings: Findings): unknown {
  const text = textOf(env, name, findings);
  if (text === undefined) return undefined;
  trail.found(name);
  if (row.readBy !== undefined) {
    trail.unused(name, `${row.readBy} reads it`);
    return undefined;
  }
  if (text.trim() === '') return readEmpty(name, row, trail, findings);
  const result = parsers[row.reads](text);
  if ('value' in result) return result.value;
  // Nothing acts upon it, so nothing is wrong but that it cannot be shown.
  if (row.reads === 'text') trail.unused(name, result.problem);
  else findings.refuse([name], result.problem);
  return undefined;
}

function readEmpty(name: string, row: EnvRow, trail: Trail, findings: Findings): unknown {
  // Empty is an answer here: there is no fallback.
  if (name === 'FALLBACK_CHAIN') return [];
  if (row.reads === 'text') trail.unused(name, 'it is empty');
  else findings.refuse([name], `is empty; give it ${row.reads}, or unset it`);
  return undefined;
}

/** Some platforms keep other things than text among their variables. */
function textOf(env: Env, name: string, findings: Findings): string | undefined {
  try {
    const value: unknown = env[name];
    if (value === undefined || typeof value === 'string') return value;
    findings.refuse([name], 'must be text');
  } catch {
    findings.refuse([name], 'could not be read: reading it threw an error');
  }
  return undefined;
}

const endpointName = /^TGI_[A-Z\d]+(?:_[A-Z\d]+)*_ENDPOINT$/;

/** A name that is longer makes an id that is too long. */
const longestName = 64;

function readEndpoints(env: Env, trail: Trail, findings: Findings): ReadonlyMap<string, string> {
  const endpoints = new Map<string, string>();
  for (const name of namesOf(env).filter((each) => endpointName.test(each))) {
    if (name.length > longestName) {
      findings.refuse([familyName], `has a name of more than ${longestName} characters; shorten it`);
      continue;
    }
    const value = readOne(env, name, { reads: 'a URL', sets: '', example: '' }, trail, findings);
    if (typeof value === 'string') endpoints.set(name, value);
  }
  return endpoints;
}

function namesOf(env: Env): readonly string[] {
  try {
    return Object.keys(env).toSorted();
  } catch {
    // The variables that are read by their names may still be there.
    return [];
  }
}
