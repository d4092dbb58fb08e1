import { distanceOf } from '../core/locality.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { mostOrdered } from '../routing/balance.ts';
import type { Placement } from '../routing/facts.ts';
import { makePlan, type MadePlan } from '../routing/plan.ts';
import type { Engine, Standing } from './engine.ts';
import type { Provider } from './provider.ts';
import type { Ask } from './provider-facts.ts';
import type { ResolvedCall } from './resolve-call.ts';

/** Of those without a session, only these balances have a score that a bonus can be added to. */
export function learnsFrom({ affinity, balance, verb, session }: ResolvedCall<unknown>): boolean {
  if (verb === 'embed') return false;
  return session !== undefined || (affinity && (balance === 'least-busy' || balance === 'expected-ttft'));
}

/**
 * What would be tried for a call, in which order, and why the others would not. Changes nothing. `first`: of a large registry only as many
 * candidates as a call needs. `shown`: expected times are part of it, also where they decide nothing.
 */
export function planFor(
  call: ResolvedCall<unknown>,
  engine: Pick<Engine, 'list' | 'standings' | 'config' | 'affinity' | 'prefixes' | 'metering'>,
  part: 'first' | 'all' | 'shown',
  nowMs: number,
): MadePlan {
  const { config, standings, list } = engine;
  const { places, firstPart, hasEquals, sharesOf } = standings.get(call.intent) as Standing;
  const { obstacle } = engine.metering;
  const { intent, verb, lane, balance, session } = call;
  const request = call.request as ChatRequest | EmbedRequest;
  const remembers = learnsFrom(call) && hasEquals;
  const shared = remembers ? engine.prefixes.holders(call.estimates.prefixKeys(), request.model, nowMs) : undefined;
  const ask: Ask = {
    verb,
    request,
    intent,
    lane,
    nowMs,
    refusesIgnored: config.onIgnoredParameter === 'refuse' && call.parameters.length > 0,
    limitsCost: call.maxCostUsd !== undefined,
    held: obstacle && ((provider, model) => obstacle(call, provider, model)),
    shared,
  };
  // Whose vectors are whose, only all of them tell.
  const isWhole = part !== 'first' || verb === 'embed' || call.only !== undefined;
  const isCut = !isWhole && firstPart < places.length;
  const made = makePlan({
    facts: (isCut ? places.slice(0, firstPart) : places).map((place) => (list[place.index] as Provider).facts(place, ask)),
    most: isWhole ? Infinity : mostOrdered,
    verb,
    needs: call.needs,
    parameters: ask.refusesIgnored ? call.parameters : [],
    pays: call.pays,
    maxLocality: call.maxLocality,
    maxDistance: distanceOf(call.maxLocality),
    maxCostUsd: call.maxCostUsd,
    // Estimated only where a window or a price is known.
    estimates: call.estimates,
    answerTokens: call.answerTokens,
    only: call.only,
    without: call.without,
    balance,
    session,
    scoreFor: (facts) => (list[facts.place.index] as Provider).expected(facts, ask, call.estimates.promptTokens()),
    isShown: part === 'shown',
    affinity: call.affinity,
    sharesOf,
    lastServed: remembers ? engine.affinity.lastServed(request.model ?? '', nowMs) : undefined,
  });
  if (!isCut) return made;
  const last = made.candidates[mostOrdered - 1];
  // A model that has spilled stands behind some that have not been looked at.
  const isEnough = last !== undefined && last.tier < (places[firstPart] as Placement).tier;
  return isEnough ? { ...made, isPartial: true } : planFor(call, engine, 'all', nowMs);
}
