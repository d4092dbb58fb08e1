/** Labels that stand in every sample of one router. */
export type FixedLabels = Readonly<Record<string, string>>;

/** Names of models come from callers: of each provider so many get a label of their own, and the rest share one. */
export const mostModels = 100;

/** The label of all models without one of their own. */
const otherModels = 'other';

/** The label of the model that a server chooses itself. */
const serversChoice = 'default';

/** No control character, and no half of a character, which would become the same as others on the way to the reader. */
const usualName = /^[^\p{Cc}\p{Cs}]{1,200}$/u;

/** Which model gets which label, for one router. */
export interface ModelLabels {
  /** A label of its own while there is room. */
  of(provider: string, model: string | undefined): string;
  /** A label of its own only where it has one: for names that no server may have heard of. */
  known(provider: string, model: string | undefined): string;
}

export function createModelLabels(): ModelLabels {
  const byProvider = new Map<string, Set<string>>();
  const labelOf = (provider: string, model: string | undefined, mayEnter: boolean): string => {
    if (model === undefined || model === '') return serversChoice;
    const names = byProvider.get(provider) ?? new Set();
    if (names.has(model)) return model;
    if (!mayEnter || names.size >= mostModels || !usualName.test(model)) return otherModels;
    byProvider.set(provider, names.add(model));
    return model;
  };
  return {
    of: (provider, model) => labelOf(provider, model, true),
    known: (provider, model) => labelOf(provider, model, false),
  };
}
