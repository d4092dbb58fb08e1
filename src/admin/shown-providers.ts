import type { ProviderHealth } from '../index.ts';
import type { AdminProviderSettings, AdminState } from '../http/admin-contract.ts';
import { counted } from './figures.ts';

// One provider each, in the order in which calls try them, from all that the server tells. Pure. Times are the server's, since 1970.

type Snapshot = AdminState['snapshot']['providers'][number];

export interface ShownProvider {
  readonly provider: string;
  /** Undefined for one that is switched off. */
  readonly health: ProviderHealth | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly settings: AdminProviderSettings | undefined;
  readonly mark: MarkKind;
  /** What its status means, in a few words. */
  readonly word: string;
  readonly circuit: {
    /** `due`: its time is over, and the next call tries the provider out. */
    readonly is: 'closed' | 'open' | 'due' | 'half-open';
    readonly untilMs: number | undefined;
    readonly model: string | undefined;
  };
  readonly restsUntilMs: number | undefined;
  readonly disabledUntilMs: number | undefined;
}

/** Shape and colour of a status: it serves, it serves and wants a look, it does not serve, nobody knows, it is off. */
export type MarkKind = 'ok' | 'watch' | 'bad' | 'unknown' | 'off';

const statuses: Readonly<Record<ProviderHealth['status'], readonly [MarkKind, string]>> = {
  ok: ['ok', 'serves'],
  warming: ['watch', 'loads its model'],
  saturated: ['watch', 'has no room'],
  limited: ['bad', 'asked for a pause'],
  misconfigured: ['bad', 'refuses its credentials'],
  'out-of-memory': ['bad', 'out of memory'],
  open: ['bad', 'left alone'],
  probing: ['watch', 'is tried out'],
  down: ['bad', 'does not answer'],
  unknown: ['unknown', 'not asked yet'],
};

export function shownProviders({ health, snapshot, settings, atMs }: AdminState): readonly ShownProvider[] {
  const toWall = (untilMs: number | undefined): number | undefined => (untilMs === undefined ? undefined : atMs + untilMs - snapshot.nowMs);
  const on = health.providers.map((each): ShownProvider => {
    const found = snapshot.providers.find(({ provider }) => provider === each.provider);
    const [mark, word] = statuses[each.status] ?? ['unknown', each.status];
    const but = mark === 'ok' ? shortcoming(each, found) : undefined;
    return {
      provider: each.provider,
      health: each,
      snapshot: found,
      settings: own(settings.providers, each.provider),
      mark: but === undefined ? mark : 'watch',
      word: but ?? word,
      circuit: circuitOf(each, found, atMs),
      restsUntilMs: toWall(found?.restsUntilMs),
      disabledUntilMs: toWall(found?.disabledUntilMs),
    };
  });
  const off = Object.entries(settings.providers).filter(([id]) => !on.some(({ provider }) => provider === id));
  return [...on, ...off.map(([id, each]) => offProvider(id, each))];
}

/** What is not well with a provider that serves. */
function shortcoming({ circuit, pins }: ProviderHealth, snapshot: Snapshot | undefined): string | undefined {
  if (circuit !== 'closed') return 'serves in part';
  if (pins.length > 0) return `serves, ${counted(pins.length, 'model')} pinned`;
  return snapshot?.models.some(({ vramShare }) => vramShare !== undefined) === true ? 'serves slowly' : undefined;
}

function offProvider(provider: string, settings: AdminProviderSettings): ShownProvider {
  return {
    provider,
    health: undefined,
    snapshot: undefined,
    settings,
    mark: 'off',
    word: 'switched off',
    circuit: { is: 'closed', untilMs: undefined, model: undefined },
    restsUntilMs: undefined,
    disabledUntilMs: undefined,
  };
}

function circuitOf(
  { circuit, circuitOpenUntilMs: untilMs }: ProviderHealth,
  found: Snapshot | undefined,
  atMs: number,
): ShownProvider['circuit'] {
  const isDue = circuit === 'open' && untilMs !== undefined && untilMs <= atMs;
  return { is: isDue ? 'due' : circuit, untilMs: isDue ? undefined : untilMs, model: brokenModel(found) };
}

/** The model whose own breaker is not closed, where that of the connection is. */
function brokenModel(snapshot: Snapshot | undefined): string | undefined {
  if (snapshot === undefined || snapshot.breaker !== 'closed') return undefined;
  return snapshot.models.find(({ breaker }) => breaker !== 'closed')?.model;
}

/** Models in the server's memory, as far as it tells. */
export function residentModels({
  health,
  snapshot,
}: ShownProvider):
  | readonly { readonly id: string; readonly bytes: number | undefined; readonly vramShare: number | undefined }[]
  | undefined {
  return health?.load?.resident?.map(({ id, sizeBytes }) => ({
    id,
    bytes: sizeBytes,
    vramShare: snapshot?.models.find(({ model }) => model === id)?.vramShare,
  }));
}

/** Smoothed times of the models that have answered. */
export function firstContentOf({ snapshot }: ShownProvider): readonly { readonly model: string; readonly ms: number }[] {
  return (snapshot?.models ?? []).flatMap(({ model, firstContentMs, latencyMs }) => {
    const ms = firstContentMs ?? latencyMs;
    return ms === undefined ? [] : [{ model, ms }];
  });
}

/** A server that chooses the model itself has no name for it. */
export function modelName(model: string): string {
  return model === '' ? 'its own model' : model;
}

export function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
