import type { Adapter } from '../core/adapter.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { Engine } from './engine.ts';
import type { ProviderStatus } from './health-report.ts';
import type { Provider } from './provider.ts';
import { checked } from './questions.ts';
import { type ShownError, shownError } from './shown-error.ts';

/** What a provider said when it was asked how it is. */
export interface Checked {
  readonly status: Extract<ProviderStatus, 'ok' | 'warming' | 'limited' | 'saturated' | 'misconfigured' | 'down'>;
  /** On the router's clock, and in milliseconds since 1970. */
  readonly nowMs: number;
  readonly wallMs: number;
  readonly latencyMs: number;
  /** Also of an earlier answer. */
  readonly version: string | undefined;
  readonly error: ShownError | undefined;
  /** How often in a row it was down. */
  readonly timesDown: number;
}

/** So often in a row a server has to give no sign of life before that counts, unless each call waits for its word. */
const timesUntilDead = 2;

/** Asks a provider how it is, unless somebody is asking already. Ends early with the signal. Never rejects. */
export async function check(provider: Provider, engine: Engine, signal?: AbortSignal): Promise<void> {
  const { state, adapter } = provider;
  const { health } = adapter;
  if (health === undefined) return;
  // Where whoever asked has left before the answer came, it has to be asked for again.
  while (state.checking !== undefined) if ((await state.checking) === 'asked') return;
  // Until an update brings another adapter: of what this one says then, nobody wants to know.
  const isCurrent = (): boolean => state.checking === asked;
  const asked = ask(provider, health, engine, signal, isCurrent).finally(() => {
    if (isCurrent()) state.checking = undefined;
  });
  state.checking = asked;
  await asked;
}

async function ask(
  provider: Provider,
  health: NonNullable<Adapter['health']>,
  engine: Engine,
  signal: AbortSignal | undefined,
  isCurrent: () => boolean,
): Promise<'asked' | 'left'> {
  const { state } = provider;
  const { clock } = engine.config;
  const startMs = clock.nowMs();
  let found: Pick<Checked, 'status' | 'version' | 'error'>;
  try {
    const report = await checked(engine, provider, signal, health);
    found = { status: report.state, version: report.version, error: undefined };
  } catch (error) {
    if (signal?.aborted === true) return 'left';
    const told = shownError(error, 'The health check failed with a foreign error.');
    found = { status: statuses[told.code as ErrorCode] ?? 'down', version: state.health?.version, error: told };
  }
  if (isCurrent() && !engine.shutdown.aborted) note(provider, engine, found, clock.nowMs() - startMs);
  return 'asked';
}

/** Answers that are no, and still a sign of life. */
const statuses: { readonly [Code in ErrorCode]?: Checked['status'] } = {
  auth: 'misconfigured',
  unsupported: 'misconfigured',
  rate_limited: 'limited',
  quota_exhausted: 'limited',
  overloaded: 'saturated',
  model_loading: 'warming',
};

function note(provider: Provider, engine: Engine, found: Pick<Checked, 'status' | 'version' | 'error'>, latencyMs: number): void {
  const { state } = provider;
  const { clock, health, breaker } = engine.config;
  const nowMs = clock.nowMs();
  const before = state.health;
  const isDown = found.status === 'down';
  const timesDown = isDown ? (before?.timesDown ?? 0) + 1 : 0;
  state.health = { ...found, nowMs, wallMs: clock.wallMs(), latencyMs, timesDown };
  // That it answers this says nothing of the credentials that it has refused.
  if (isDown || state.disabledUntilMs <= nowMs)
    noteUp(provider, engine, isDown || found.status === 'misconfigured' ? (found.error?.code ?? found.status) : undefined);
  // Switched off, health is told and moves nothing. The plain breaker of old counts calls, and stays open for as long as it says.
  if (health.mode === undefined || !Number.isFinite(breaker.minimumOutcomes)) return;
  if (found.status === 'ok') provider.noteWell(before !== undefined && before.status !== 'ok');
  // Calls under way find out by themselves; there are servers that say nothing of their health while they generate.
  else if (timesDown >= timesUntilDead && state.inFlight === 0 && nowMs - state.successAtMs > health.intervalMs)
    provider.noteDead(found.error?.code ?? 'unavailable');
}

function noteUp({ id, state }: Provider, { announce }: Engine, reason: string | undefined): void {
  const up = reason === undefined;
  if (state.up === up) return;
  // The first word of a provider that is up is no news.
  if (!up) announce('provider:down', { provider: id, reason });
  else if (state.up === false) announce('provider:up', { provider: id });
  state.up = up;
}

/** How long ago a provider last said how it is; Infinity where it never has. */
export function healthAgeMs({ health }: Pick<Provider['state'], 'health'>, nowMs: number): number {
  return nowMs - (health?.nowMs ?? -Infinity);
}

/**
 * Is a provider's last word that it is down, with no call that found otherwise since? Where each call waits for that word, one that it
 * has waited for in vain is down as well.
 */
export function isDown(state: Provider['state'], { mode, maxAgeMs }: Engine['config']['health'], nowMs: number): boolean {
  const { health, checking, successAtMs, inFlight } = state;
  if (mode === 'per-request' && checking !== undefined && healthAgeMs(state, nowMs) > maxAgeMs) return true;
  // There are servers that say nothing of their health while they generate.
  if (mode === undefined || health === undefined || (mode !== 'per-request' && inFlight > 0)) return false;
  return health.timesDown >= (mode === 'per-request' ? 1 : timesUntilDead) && successAtMs < health.nowMs;
}
