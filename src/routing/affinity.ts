/** Which provider served a model well of late: learned, forgotten after a while, and bounded. */
export interface Affinity {
  /** The provider that served it last; undefined where that is not known, or too long ago. */
  lastServed(model: string, nowMs: number): string | undefined;
  learn(model: string, provider: string, nowMs: number): void;
}

/** Names come from callers, so their number has to be bounded; least recently learned go first. */
const mostModels = 1_000;
/** What is kept in memory somewhere is unloaded when nobody asks for it. */
const keepMs = 1_800_000;

export function createAffinity(): Affinity {
  const served = new Map<string, { provider: string; atMs: number }>();
  return {
    lastServed(model, nowMs) {
      const last = served.get(model);
      return last !== undefined && nowMs - last.atMs <= keepMs ? last.provider : undefined;
    },
    learn(model, provider, nowMs) {
      const last = served.get(model);
      if (last !== undefined) {
        served.delete(model);
        last.provider = provider;
        last.atMs = nowMs;
        served.set(model, last);
        return;
      }
      if (served.size >= mostModels) served.delete(served.keys().next().value as string);
      served.set(model, { provider, atMs: nowMs });
    },
  };
}
