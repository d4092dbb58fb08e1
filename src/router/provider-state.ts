import type { LoadReport, ModelInfo } from '../core/adapter.ts';
import type { Parameter } from '../core/capabilities.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { RouterError } from '../core/errors.ts';
import { type BreakerState, closedBreaker } from '../breaker/breaker.ts';
import { type Cooldown, noCooldown } from '../breaker/cooldown.ts';
import { Ring } from '../lib/ring.ts';
import type { Lanes } from './lanes.ts';
import { type LetIn, noneLetIn } from './breaker-ramp.ts';
import { createModelStates, type ModelStates } from './model-state.ts';
import type { Resident } from './residency.ts';
import type { Checked } from './checks.ts';
import type { HeldSlot, SlotRules } from './slots.ts';
import type { UnderWay } from './under-way.ts';

/** Leave to send one call. It has to be settled exactly once. */
export interface Permit {
  readonly model: string | undefined;
  readonly connectionGeneration: number;
  readonly modelGeneration: number;
  readonly sinceMs: number;
  /** The slot that it has; a stream may have given it back already. */
  readonly slot: HeldSlot;
  /** What the call is, for what is learnt of it. */
  readonly intent: string;
  readonly promptTokens: number;
  /** The model was probably not in its memory. */
  readonly isCold: boolean;
  /** It was the server that said so. Where it is only likely, the time of the answer tells neither of the load nor of the answer. */
  readonly isToldCold: boolean;
  /** No other call for the model was under way, so that a load begins with this one. */
  readonly isFirst: boolean;
  /** How often in a row the model had run out of memory. */
  readonly pinTimes: number;
}

/** What a server last said of itself. */
interface ToldLoad {
  readonly atMs: number;
  /** When it was asked: what has happened since then, it may not know yet. */
  readonly askedMs: number;
  /** Requests of others there: those that run and wait, less our own at that moment. */
  readonly elsewhere: number;
  /** The most requests that it was seen to run at once while none waited. */
  readonly mostRunning: number;
  readonly slots: number | undefined;
  readonly contextLength: number | undefined;
  /** By plain name; undefined where the server does not tell. */
  readonly resident: ReadonlyMap<string, Resident> | undefined;
}

/** How an attempt ended, for the provider's own books. `none`: the caller left, or it was no fault of the provider. */
export type Outcome =
  | { readonly type: 'success'; readonly ms: number; readonly firstContentMs: number | undefined }
  | {
      readonly type: 'failure';
      readonly error: RouterError;
      readonly ms: number;
      readonly firstContentMs: number | undefined;
      /** It was the caller's deadline that left it too little time, and no limit of the provider's own. */
      readonly hurried: boolean;
      /** The time ran out while the server had the model to load. */
      readonly loading: boolean;
    }
  | { readonly type: 'none' };

/** What changes about a provider as it runs. Only this folder writes to it. */
export interface ProviderState extends UnderWay {
  readonly models: ModelStates;
  /** Connections that do not come about concern all models at once. */
  connection: BreakerState;
  /** When a connection last did not come about. */
  refusedAtMs: number;
  rest: Cooldown;
  /** Credentials were refused; asked again after this. */
  disabledUntilMs: number;
  /** How often they have been replaced. */
  credentials: number;
  /** What the provider lists, and until when that is believed. */
  inventory: { readonly models: ReadonlyMap<string, ModelInfo>; readonly untilMs: number } | undefined;
  told: ToldLoad | undefined;
  /** When a call last began that the server had to load a model for, by its own word. */
  loadsSinceMs: number;
  /** When it is next asked for its load, and whether it is being asked now. */
  readonly poll: { dueMs: number; isOut: boolean };
  /** Embedding spaces that its vectors turned out not to belong to, each with the reason. */
  foreignSpaces: Map<string, string>;
  /** The slots of the server, where its models share them. */
  lanes: Lanes | undefined;
  /** What limits them: the configuration of now, be it for calls of one before. */
  slotRules: SlotRules;
  /** Those that are under way and have their slots. */
  readonly streams: Ring<HeldSlot>;
  letIn: LetIn;
  /** See `breaker/retry-tokens.ts`. */
  retryTokens: number;
  successes: number;
  failures: number;
  /** Attempts that failed since the last one that did not. */
  failuresInRow: number;
  /** When an attempt last succeeded. */
  successAtMs: number;
  lastError: { readonly code: ErrorCode; readonly atMs: number } | undefined;
  /** What it said when it was last asked how it is. */
  health: Checked | undefined;
  /** It is being asked how it is. */
  checking: Promise<'asked' | 'left'> | undefined;
  /** What it last told of its load, as it told it. */
  load: LoadReport | undefined;
  /** What the last health check or call said. */
  up: boolean | undefined;
  /** Parameters that calls went without, each told once. */
  readonly ignored: Set<Parameter>;
  /** It has been told that its slots are only supposed. */
  isSupposedTold: boolean;
}

/** Of a provider that nothing is known of yet. */
export function createProviderState(slotRules: SlotRules): ProviderState {
  return {
    models: createModelStates(),
    connection: closedBreaker,
    refusedAtMs: -Infinity,
    rest: noCooldown,
    disabledUntilMs: -Infinity,
    credentials: 0,
    inventory: undefined,
    told: undefined,
    loadsSinceMs: -Infinity,
    poll: { dueMs: -Infinity, isOut: false },
    foreignSpaces: new Map(),
    lanes: undefined,
    slotRules,
    streams: new Ring(),
    inFlight: 0,
    begunSumMs: 0,
    letIn: noneLetIn,
    retryTokens: slotRules.router.retry.maxTokens,
    successes: 0,
    failures: 0,
    failuresInRow: 0,
    successAtMs: -Infinity,
    lastError: undefined,
    health: undefined,
    checking: undefined,
    load: undefined,
    up: undefined,
    ignored: new Set(),
    isSupposedTold: false,
  };
}
