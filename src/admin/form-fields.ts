import { type Order, orderFromText, orderToText } from './order-text.ts';

// Fields of the settings as what is typed, and what is typed as a patch. Pure.

export interface FieldSpec {
  /** As in the patch; with a point in it a member of an object, like `timeouts.idleMs`. */
  readonly name: string;
  readonly label: string;
  readonly kind: 'number' | 'text' | 'flag' | 'choice' | 'order';
  /** Of a `choice`. */
  readonly choices?: readonly string[];
  readonly note?: string;
  /** There is no default to go back to. */
  readonly isRequired?: boolean;
}

/** What was typed, by the names of the fields. */
export type Edits = Readonly<Record<string, string>>;
export type Patch = Readonly<Record<string, unknown>>;

/** A value as it is typed; empty where there is none. */
export function shownValue(value: unknown): string {
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? orderToText(value as Order) : String(value);
}

export function currentValue({ name }: FieldSpec, current: Patch): string {
  const [outer = '', inner] = name.split('.');
  const value = Object.hasOwn(current, outer) ? current[outer] : undefined;
  return shownValue(inner === undefined ? value : (value as Patch | undefined)?.[inner]);
}

/** What is wrong with what was typed; undefined where nothing is. */
export function problemOf({ kind, label, isRequired = false }: FieldSpec, text: string): string | undefined {
  if (text.trim() === '') return isRequired ? `${label} is missing.` : undefined;
  return kind === 'number' && !Number.isFinite(Number(text)) ? `${label} must be a number.` : undefined;
}

/** Only what differs from how things stand. An empty field takes the value back to its default. */
export function patchOf(specs: readonly FieldSpec[], edits: Edits, current: Patch): Patch {
  const changed = specs.filter((spec) => isChanged(spec, edits, current));
  const patch: Record<string, unknown> = {};
  for (const spec of changed) {
    const [outer = '', inner] = spec.name.split('.');
    if (inner === undefined) patch[outer] = typedValue(spec, edits[spec.name] ?? '');
    else patch[outer] = membersOf(outer, specs, edits, current);
  }
  return patch;
}

export function isChanged(spec: FieldSpec, edits: Edits, current: Patch): boolean {
  const typed = Object.hasOwn(edits, spec.name) ? edits[spec.name] : undefined;
  return typed !== undefined && typed.trim() !== currentValue(spec, current);
}

/** An object is replaced as a whole, so what was not typed stands in it as it was. */
function membersOf(outer: string, specs: readonly FieldSpec[], edits: Edits, current: Patch): Patch {
  const values = specs
    .filter(({ name }) => name.startsWith(`${outer}.`))
    .map((spec) => [spec.name.slice(outer.length + 1), typedValue(spec, edits[spec.name] ?? currentValue(spec, current))] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== null));
}

function typedValue({ kind }: FieldSpec, text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (kind === 'number') return Number(trimmed);
  if (kind === 'flag') return trimmed === 'true';
  return kind === 'order' ? orderFromText(trimmed) : trimmed;
}
