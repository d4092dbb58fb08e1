import type { ModelInfo } from '../core/adapter.ts';
import type { Parameter } from '../core/capabilities.ts';
import type { RouterError } from '../core/errors.ts';
import { type BreakerState, closedBreaker } from '../breaker/breaker.ts';
import { type Cooldown, noCooldown } from '../breaker/cooldown.ts';
import { type LetIn, noneLetIn } from './let-in.ts';
import { createModelStates, type ModelStates } from './model-state.ts';

/** Leave to send one call. It has to be settled exactly once. */
export interface Permit {
  readonly model: string | undefined;
  readonly connectionGeneration: number;
  readonly modelGeneration: number;
  readonly sinceMs: number;
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
    }
  | { readonly type: 'none' };

/** What changes about a provider as it runs. Only this folder writes to it. */
export interface ProviderState {
  readonly models: ModelStates;
  /** Connections that do not come about concern all models at once. */
  connection: BreakerState;
  /** When a connection last did not come about. */
  refusedAtMs: number;
  rest: Cooldown;
  /** Credentials were refused; asked again after this. */
  disabledUntilMs: number;
  /** What the provider lists, and until when that is believed. */
  inventory: { readonly models: ReadonlyMap<string, ModelInfo>; readonly untilMs: number } | undefined;
  inFlight: number;
  letIn: LetIn;
  /** See `breaker/budget.ts`. */
  retryTokens: number;
  successes: number;
  failures: number;
  lastError: { readonly code: string; readonly atMs: number } | undefined;
  /** What the last health check or call said. */
  up: boolean | undefined;
  /** Parameters that calls went without, each told once. */
  readonly ignored: Set<Parameter>;
}

export function createProviderState(retryTokens: number): ProviderState {
  return {
    models: createModelStates(),
    connection: closedBreaker,
    refusedAtMs: -Infinity,
    rest: noCooldown,
    disabledUntilMs: -Infinity,
    inventory: undefined,
    inFlight: 0,
    letIn: noneLetIn,
    retryTokens,
    successes: 0,
    failures: 0,
    lastError: undefined,
    up: undefined,
    ignored: new Set(),
  };
}
