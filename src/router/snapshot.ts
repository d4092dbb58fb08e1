import type { Engine } from './engine.ts';
import type { CacheCounts } from './kept-answers.ts';
import type { Provider } from './provider.ts';
import { residentOf } from './residency.ts';
import { modelSituationOf, type Situation, situationOf } from './situation.ts';

/** Times ending in `untilMs` are on the router's clock, whose present reading is `nowMs`. */
export interface RouterSnapshot {
  readonly nowMs: number;
  readonly closed: boolean;
  readonly inFlight: number;
  readonly providers: readonly ProviderSnapshot[];
  /** Undefined where nothing is kept and no request is shared. */
  readonly cache: CacheCounts | undefined;
  /** Undefined where nothing is shared with other processes. */
  readonly store: StoreSnapshot | undefined;
}

interface StoreSnapshot {
  /** It has answered of late. */
  readonly up: boolean;
  /** Routers that share it, this one included; undefined before it has answered. */
  readonly members: number | undefined;
  /** Results of probes that came when the time to probe was over, and were not counted. */
  readonly lateResults: number;
}

export interface ProviderSnapshot {
  readonly provider: string;
  readonly type: string;
  readonly device: string;
  readonly cost: string;
  /** Of the whole provider; each model has its own beside it. */
  readonly situation: Situation;
  /** False since a health check failed or its credentials were refused, until it answers again; undefined where nothing is known. */
  readonly up: boolean | undefined;
  readonly inFlight: number;
  /** Calls that wait for a slot. */
  readonly waiting: number;
  /** Calls that it takes at once; undefined where there is no limit, or none for all of its models together. */
  readonly slots: number | undefined;
  /** Requests of others there, as the server told at its last poll. */
  readonly elsewhere: number | undefined;
  readonly successes: number;
  readonly failures: number;
  readonly lastError: { readonly code: string; readonly atMs: number } | undefined;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly openUntilMs: number | undefined;
  readonly restsUntilMs: number | undefined;
  /** Tokens left for second attempts; see the option `retry`. */
  readonly retryTokens: number;
  readonly disabledUntilMs: number | undefined;
  readonly models: readonly ModelSnapshot[];
}

export interface ModelSnapshot {
  /** Empty where the server chooses the model. */
  readonly model: string;
  readonly situation: Situation;
  readonly inFlight: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly openUntilMs: number | undefined;
  readonly pinnedUntilMs: number | undefined;
  /** Part of it in GPU memory, 0 to 1, where the server tells and it is not all. */
  readonly vramShare: number | undefined;
  /** In the server's memory, where the server tells. */
  readonly resident: boolean | undefined;
  /** While it is being loaded. */
  readonly restsUntilMs: number | undefined;
  readonly missingUntilMs: number | undefined;
  /** Smoothed. */
  readonly latencyMs: number | undefined;
  readonly firstContentMs: number | undefined;
}

/** What the router knows at this moment, as plain data: no key, no URL, no prompt. */
export function takeSnapshot({ config, providers, shutdown, kept, sharing }: Engine, inFlight: number, closed: boolean): RouterSnapshot {
  const nowMs = config.clock.nowMs();
  return {
    nowMs,
    closed: closed || shutdown.aborted,
    inFlight,
    providers: [...providers.values()].map((provider) => snapshotOf(provider, nowMs)),
    cache: kept && { ...kept.counts },
    store: sharing && { up: sharing.link.isUp, members: sharing.link.members, lateResults: sharing.lateResults },
  };
}

function snapshotOf({ id, config, state }: Provider, nowMs: number): ProviderSnapshot {
  const { type, device, cost } = config;
  const { inFlight, successes, failures, lastError, connection, rest, retryTokens, disabledUntilMs, models, told } = state;
  const ahead = (atMs: number | undefined): number | undefined => (atMs !== undefined && atMs > nowMs ? atMs : undefined);
  return {
    provider: id,
    type,
    device,
    cost,
    situation: situationOf(state, nowMs),
    up: state.up,
    inFlight,
    ...slotFigures(state),
    elsewhere: told?.elsewhere,
    successes,
    failures,
    lastError,
    breaker: connection.is,
    openUntilMs: connection.is === 'open' ? connection.untilMs : undefined,
    restsUntilMs: ahead(rest.untilMs),
    retryTokens,
    disabledUntilMs: ahead(disabledUntilMs),
    models: Array.from(models.entries(), ([model, known]) => ({
      model,
      situation: modelSituationOf(known, nowMs),
      inFlight: known.inFlight,
      breaker: known.breaker.is,
      openUntilMs: known.breaker.is === 'open' ? known.breaker.untilMs : undefined,
      pinnedUntilMs: ahead(known.pin?.untilMs),
      vramShare: residentOf(state, model)?.vramShare,
      resident: told?.resident === undefined ? undefined : residentOf(state, model) !== undefined,
      restsUntilMs: ahead(known.rest.untilMs),
      missingUntilMs: ahead(known.missingUntilMs),
      latencyMs: known.latencyMs,
      firstContentMs: known.firstContentMs,
    })),
  };
}

/** Calls that wait, and calls that are taken at once. */
export function slotFigures({ lanes, models }: Provider['state']): Pick<ProviderSnapshot, 'waiting' | 'slots'> {
  const waiting = (): number => [...models.entries()].reduce((sum, [, model]) => sum + (model.lanes?.waiting ?? 0), 0);
  return {
    waiting: lanes?.waiting ?? waiting(),
    slots: lanes === undefined || lanes.slots === Infinity ? undefined : lanes.slots,
  };
}
