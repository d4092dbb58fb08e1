import type { Findings, Path } from './findings.ts';

const deepest = 6;
const mostEntries = 10_000;

/** Names that reach an object's prototype instead of an entry of it. */
const prototypeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** What the application made with its own hands is used as it is: a copy would lose its methods and its identity. */
function isKeptAsItIs(path: Path): boolean {
  const [first = '', second, third] = path;
  if (path.length === 1) return madeByHand.has(first);
  if (path.length === 2) return first === 'cache' && second === 'store';
  return path.length === 3 && first === 'providers' && third === 'adapter';
}

const madeByHand: ReadonlySet<string | number> = new Set(['transport', 'clock', 'random', 'prices', 'logger', 'store']);

/**
 * A plain copy of whatever was passed as options, each value read exactly once: what is checked is then what is used,
 * whether the original is frozen, a proxy, or changes later. Entries that are undefined are left out; entries that cannot
 * be read, or are named after an object's prototype, are refused.
 */
export function copyOptions(options: unknown, findings: Findings): unknown {
  return copy(options, [], findings);
}

function copy(value: unknown, path: Path, findings: Findings): unknown {
  if (typeof value !== 'object' || value === null || isKeptAsItIs(path)) return value;
  if (path.length > deepest) {
    findings.refuse(path, `is nested more than ${deepest} levels deep`);
    return undefined;
  }
  try {
    if (Array.isArray(value)) return copyList(value, path, findings);
    // A map or a date has no entries of its own to copy; null makes the shape check say what should be there instead.
    return Object.prototype.toString.call(value) === '[object Object]' ? copyEntries(value, path, findings) : null;
  } catch {
    // What was thrown is the application's own and may hold anything.
    findings.refuse(path, 'could not be read: reading it threw an error');
    return undefined;
  }
}

function copyList(list: readonly unknown[], path: Path, findings: Findings): unknown {
  if (isTooLarge(list.length, path, findings)) return undefined;
  return Array.from({ length: list.length }, (_, index) => copyEntry(() => list[index], [...path, index], findings));
}

function copyEntries(value: object, path: Path, findings: Findings): unknown {
  const names = Object.keys(value);
  if (isTooLarge(names.length, path, findings)) return undefined;
  const entries: Record<string, unknown> = {};
  for (const name of names) {
    if (prototypeNames.has(name)) {
      findings.refuse([...path, name], `the name "${name}" is not allowed; choose another`);
      continue;
    }
    const entry = copyEntry(() => (value as Record<string, unknown>)[name], [...path, name], findings);
    if (entry !== undefined) entries[name] = entry;
  }
  return entries;
}

function copyEntry(read: () => unknown, path: Path, findings: Findings): unknown {
  let value: unknown;
  try {
    value = read();
  } catch {
    findings.refuse(path, 'could not be read: reading it threw an error');
    return undefined;
  }
  return copy(value, path, findings);
}

function isTooLarge(entries: number, path: Path, findings: Findings): boolean {
  if (entries <= mostEntries) return false;
  findings.refuse(path, `has more than ${mostEntries} entries`);
  return true;
}
