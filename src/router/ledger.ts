/** What attempts at a model have used and cost on behalf of a caller, since the router was made. */
export interface SpendingRow {
  readonly provider: string;
  /** The provider's own name for it; undefined where the server chooses. `others` stands for those beyond the first 1,000 rows. */
  readonly model: string | undefined;
  /** Undefined: the application itself. `others`, as above. */
  readonly caller: string | undefined;
  /** Those that were answered, and those that failed after they may have begun to bill. */
  readonly attempts: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** By the prices of the configuration; 0 for a provider that is free. */
  readonly costUsd: number;
  /** Of `attempts`, `promptTokens`, `answerTokens` and `costUsd`: of attempts whose usage no server told. */
  readonly estimated: Readonly<Used>;
  /** Attempts at a paid provider whose price is not known: they cost something, and nothing is in `costUsd` for them. */
  readonly unpriced: number;
}

interface Used {
  attempts: number;
  promptTokens: number;
  answerTokens: number;
  costUsd: number;
}

/** One attempt that was paid for, or may have been. `costUsd` undefined: nobody knows. */
interface Entry {
  readonly provider: string;
  readonly model: string | undefined;
  readonly caller: string | undefined;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly costUsd: number | undefined;
  readonly isEstimated: boolean;
}

export interface Ledger {
  note(entry: Entry): void;
  rows(): readonly SpendingRow[];
}

/** Names of models and of callers come from outside. */
const mostRows = 1_000;
const others = 'others';

interface Row extends Used, Pick<Entry, 'provider' | 'model' | 'caller'> {
  readonly estimated: Used;
  unpriced: number;
}

const nothingUsed: Used = { attempts: 0, promptTokens: 0, answerTokens: 0, costUsd: 0 };

export function createLedger(): Ledger {
  const rows = new Map<string, Row>();
  /** By provider: what is above the most rows. */
  const rest = new Map<string, Row>();
  let last: Row | undefined;
  const find = (about: Pick<Entry, 'provider' | 'model' | 'caller'>, isLast: boolean): Row => {
    const { provider, model, caller } = about;
    const key = JSON.stringify([provider, model ?? 0, caller ?? 0]);
    const known = rows.get(key);
    if (known !== undefined) return known;
    if (!isLast && rows.size >= mostRows) return restOf(provider);
    const row: Row = { provider, model, caller, ...nothingUsed, estimated: { ...nothingUsed }, unpriced: 0 };
    rows.set(key, row);
    return row;
  };
  const restOf = (provider: string): Row => {
    const row = rest.get(provider) ?? find({ provider, model: others, caller: others }, true);
    rest.set(provider, row);
    return row;
  };
  return {
    note(entry) {
      const { provider, model, caller } = entry;
      // Most attempts are of the kind of the one before.
      const isAsLast = last !== undefined && last.provider === provider && last.model === model && last.caller === caller;
      const row = isAsLast && last !== undefined ? last : find(entry, false);
      last = row;
      add(row, entry);
      if (entry.isEstimated) add(row.estimated, entry);
      if (entry.costUsd === undefined) row.unpriced += 1;
    },
    rows: () => Array.from(rows.values(), (row) => ({ ...row, estimated: { ...row.estimated } })),
  };
}

function add(used: Used, { promptTokens, answerTokens, costUsd = 0 }: Entry): void {
  used.attempts += 1;
  used.promptTokens += promptTokens;
  used.answerTokens += answerTokens;
  used.costUsd += costUsd;
}
