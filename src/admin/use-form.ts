import { useState } from 'preact/hooks';
import { currentValue, type Edits, type FieldSpec, isChanged, type Patch, patchOf, problemOf } from './form-fields.ts';

export interface Form {
  /** What stands in a field: what was typed, else how things stand. */
  readonly valueOf: (spec: FieldSpec) => string;
  readonly isChanged: (spec: FieldSpec) => boolean;
  readonly problemOf: (spec: FieldSpec) => string | undefined;
  readonly set: (name: string, text: string) => void;
  readonly reset: () => void;
  /** Undefined where nothing is changed, or something that was typed is wrong. */
  readonly patch: () => Patch | undefined;
  readonly changedLabels: readonly string[];
}

/** Keeps what is typed apart from how things stand: what nobody touched follows the server. */
export function useForm(specs: readonly FieldSpec[], current: Patch): Form {
  const [edits, setEdits] = useState<Edits>({});
  const valueOf = (spec: FieldSpec): string => edits[spec.name] ?? currentValue(spec, current);
  const changed = specs.filter((spec) => isChanged(spec, edits, current));
  return {
    valueOf,
    isChanged: (spec) => isChanged(spec, edits, current),
    problemOf: (spec) => (isChanged(spec, edits, current) ? problemOf(spec, valueOf(spec)) : undefined),
    set: (name, text) => setEdits((before) => ({ ...before, [name]: text })),
    reset: () => setEdits({}),
    patch: () =>
      changed.length === 0 || changed.some((spec) => problemOf(spec, valueOf(spec))) ? undefined : patchOf(specs, edits, current),
    changedLabels: changed.map(({ label }) => label),
  };
}
