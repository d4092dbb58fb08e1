import type { Announce } from '../core/events.ts';
import type { RouteTrace } from '../core/route.ts';
import type { ChatAnswer, ChatRequest, EmbedAnswer, EmbedRequest } from '../core/types.ts';
import { copyJson } from '../cache/copy-json.ts';
import { type Entry, entryText, isChatAnswer, isEmbedAnswer, isWholeChat, readEntry } from '../cache/entry.ts';
import { createFlights, type Flights } from '../cache/flights.ts';
import { type GuardedStore, guardStore } from '../cache/guarded-store.ts';
import { isRepeatable, keyOf, requestText } from '../cache/request-key.ts';
import type { RouterConfig } from '../config/config.ts';
import type { JsonObject } from '../lib/json.ts';
import { openDeadline } from '../lib/deadline.ts';
import type { Engine } from './engine.ts';
import { resolveModel, sameName } from './model-name.ts';
import { planFor } from './planning.ts';
import type { ResolvedCall } from './resolve-call.ts';

type Asked = ResolvedCall<ChatRequest | EmbedRequest>;

/** How often answers were there already. */
export interface CacheCounts {
  /** Calls that got a kept answer. */
  readonly hits: number;
  /** Calls that looked for one in vain. */
  readonly misses: number;
  /** Calls that got the answer to an identical call under way (`singleFlight`). */
  readonly shared: number;
}

/** What a call may have of others, and they of it. */
export interface Wish {
  /** Equal for calls that ask for the same. */
  readonly text: string;
  /** `'write'`: it is asked anew, and its answer kept. */
  readonly store: 'read' | 'write' | undefined;
  /** Equal for calls that may share one request under way; undefined for one that has its own. */
  readonly flight: string | undefined;
}

/** A call that was answered. */
interface Answered {
  readonly route: RouteTrace;
  readonly space: string | undefined;
}

/** Answers that are kept and requests that are shared. There is none where both are off. */
export interface KeptAnswers {
  readonly counts: { hits: number; misses: number; shared: number };
  readonly flights: Flights;
  /** Undefined for a call that goes its own way. */
  wishOf(call: Asked): Wish | undefined;
  /** The answer that was kept, nobody else's copy of it. Never rejects. Undefined where none is to be looked for. */
  find(call: Asked, wish: Wish, engine: Engine): Promise<Entry | undefined> | undefined;
  /** Keeps an answer that is worth it, in the background. */
  keep(call: Asked, wish: Wish, answer: ChatAnswer | EmbedAnswer, answered: Answered): void;
}

export function createKeptAnswers(config: RouterConfig, announce: Announce, before?: KeptAnswers): KeptAnswers | undefined {
  const { cache, singleFlight, clock } = config;
  if (cache === undefined && !singleFlight) return undefined;
  const onTrouble = (): void =>
    announce('config:warning', {
      path: 'cache.store',
      message: `fails, or does not answer within ${cache?.timeoutMs} ms: calls go on without it`,
    });
  const store = cache && guardStore({ ...cache, clock, onTrouble });
  const counts = before?.counts ?? { hits: 0, misses: 0, shared: 0 };
  return {
    counts,
    flights: createFlights(),
    wishOf: (call) => wishOf(call, config),
    find(call, wish, engine) {
      if (store === undefined || wish.store !== 'read') return undefined;
      return found(call, wish, engine, store).then((entry) => {
        if (entry === undefined) counts.misses += 1;
        else counts.hits += 1;
        return entry;
      });
    },
    keep(call, wish, answer, { route, space }) {
      if (store === undefined || wish.store === undefined || !isGood(call, answer, route)) return;
      const { provider, model } = route;
      // A copy: as soon as the answer is the caller's, it may change.
      void keep(store, wish.text, { keptAtMs: clock.wallMs(), provider, model, space, answer: copyJson(plain(answer)) });
    },
  };
}

function wishOf(call: Asked, { cache, singleFlight }: RouterConfig): Wish | undefined {
  const { cache: wanted, verb, request, intent, only, caller } = call;
  if (wanted === false || (wanted === undefined && !isRepeatable(verb, request))) return undefined;
  const isRefresh = wanted === 'refresh';
  const isShared = singleFlight && !isRefresh;
  if (cache === undefined && !isShared) return undefined;
  try {
    const scope = cache?.shared === true ? 'everybody' : { caller };
    const text = requestText({ verb, request, intent, only, scope });
    return {
      text,
      store: cache === undefined ? undefined : isRefresh ? 'write' : 'read',
      flight: isShared ? `${flightText(call)},${text}` : undefined,
    };
  } catch {
    // What cannot be written as JSON is refused, if at all, where it is sent.
    return undefined;
  }
}

/** Who may be asked, and how: a call does not fail by the limits of another. */
function flightText({
  verb,
  pays,
  maxLocality,
  maxCostUsd,
  without,
  maxAttempts,
  hops,
  onStreamFailure,
  mayHedge,
  timeouts,
}: Asked): string {
  const limits = [pays, maxLocality, maxCostUsd ?? null, [...without].sort(), maxAttempts, onStreamFailure, mayHedge];
  // A call that comes back to the router which sent it on must not wait for itself.
  const { connectMs, firstTokenMs, idleMs, totalMs } = timeouts ?? {};
  return JSON.stringify([verb, hops, ...limits, connectMs, firstTokenMs, idleMs, totalMs]);
}

async function found(call: Asked, { text }: Wish, engine: Engine, store: GuardedStore): Promise<Entry | undefined> {
  const { clock } = engine.config;
  const { signal, endsAtMs } = call;
  const limit = openDeadline({ clock, provider: '', signals: [signal, engine.shutdown], endsAtMs, endPhase: 'deadline' });
  try {
    const key = await limit.waitFor(keyOf(text));
    const entry = readEntry(await limit.waitFor(store.read(key)), (answer) => answers(call, answer));
    return entry?.key === key && stillHolds(entry, call, engine) ? entry : undefined;
  } catch {
    // That its caller has left, or its time is over, the call finds out as any other does.
    return undefined;
  } finally {
    limit.dispose();
  }
}

/** Is it an answer to such a request? */
function answers({ verb, request, answerTokens }: Asked, answer: JsonObject): boolean {
  if (verb !== 'embed') return isChatAnswer(answer) && isWholeChat(answer as unknown as ChatAnswer, answerTokens !== undefined);
  const { input, dimensions } = request as EmbedRequest;
  return isEmbedAnswer(answer, typeof input === 'string' ? 1 : input.length, dimensions);
}

/** It is young enough, and whoever gave it would still be asked for the same: configurations change while answers are kept. */
function stillHolds({ keptAtMs, provider: id, model, space }: Entry, call: Asked, engine: Engine): boolean {
  const { config } = engine;
  const { verb, request, without } = call;
  const provider = engine.providers.get(id);
  if (provider === undefined || without.includes(id)) return false;
  if (config.cache === undefined || config.clock.wallMs() - keptAtMs > config.cache.ttlMs) return false;
  const { modelName } = provider.adapter;
  const asked = resolveModel({ verb, requested: request.model, provider: provider.config, modelName, config, denies: () => undefined });
  if (asked.missing !== undefined || !sameName(asked.model ?? '', model ?? '')) return false;
  return verb !== 'embed' || planFor(call, engine, 'first', engine.config.clock.nowMs()).space === space;
}

/** Whole, and from whom it was asked. */
function isGood({ verb, answerTokens }: Asked, answer: ChatAnswer | EmbedAnswer, route: RouteTrace): boolean {
  if (route.degraded || route.substituted || route.truncated) return false;
  return verb === 'embed' || isWholeChat(answer as ChatAnswer, answerTokens !== undefined);
}

/** Without what the router has added. */
function plain(answer: (ChatAnswer | EmbedAnswer) & { readonly route?: RouteTrace }): ChatAnswer | EmbedAnswer {
  const { route: _route, ...rest } = answer;
  return rest;
}

async function keep(store: GuardedStore, text: string, entry: Omit<Entry, 'key'>): Promise<void> {
  try {
    const key = await keyOf(text);
    const written = entryText({ key, ...entry });
    if (written !== undefined) await store.write(key, written);
  } catch {
    // A platform without digests keeps nothing.
  }
}
