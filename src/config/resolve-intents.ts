import type { IntentConfig, RouterConfig } from './config.ts';
import { defaults, deviceOrder, usualIntent } from './defaults.ts';
import type { Findings, Path } from './findings.ts';
import { frozenMap } from './frozen-map.ts';
import { didYouMean } from './nearest.ts';
import type { RouterOptions } from './options.ts';
import { resolveTimeouts } from './resolve-provider.ts';
import type { IntentOptions } from './routing-options.ts';

/** The built-in intents as they were changed, and those of the application. `ids`: of every provider, refused ones too. */
export function resolveIntents(given: RouterOptions['intents'] = {}, ids: readonly string[], findings: Findings): RouterConfig['intents'] {
  const names = new Set([...Object.keys(defaults.intents), ...Object.keys(given)]);
  return frozenMap(
    Array.from(names, (name) => {
      if (name.trim() === '') findings.refuse(['intents'], 'the name of an intent must not be empty');
      const options = Object.hasOwn(given, name) ? given[name] : undefined;
      const builtIn = Object.hasOwn(defaults.intents, name) ? defaults.intents[name] : undefined;
      checkOrder(options?.order ?? [], ['intents', name, 'order'], ids, findings);
      return [name, resolveIntent(options ?? {}, builtIn ?? usualIntent)];
    }),
  );
}

function resolveIntent(given: IntentOptions, usual: IntentConfig): IntentConfig {
  return Object.freeze({
    order: given.order === undefined ? usual.order : completeOrder(given.order),
    balance: given.balance ?? usual.balance,
    lane: given.lane ?? usual.lane,
    affinity: given.affinity ?? usual.affinity,
    maxLocality: given.maxLocality,
    allowPaid: given.allowPaid,
    maxCostUsd: given.maxCostUsd,
    timeouts: Object.freeze({ ...usual.timeouts, ...resolveTimeouts(given.timeouts) }),
    deadlineMs: given.deadlineMs ?? usual.deadlineMs,
  });
}

type Order = NonNullable<IntentOptions['order']>;

/** The groups that were written, and behind them each device that is in none of them. */
function completeOrder(order: Order): IntentConfig['order'] {
  const left = deviceOrder.filter((device) => !order.flat().includes(device));
  return Object.freeze([...order, ...left].map((entry) => Object.freeze([entry].flat())));
}

function checkOrder(order: Order, path: Path, ids: readonly string[], findings: Findings): void {
  const known = [...new Set([...deviceOrder, ...ids])];
  const check = (name: string, at: Path): void => {
    if (!known.includes(name)) findings.refuse(at, `is neither a device nor the id of a provider${didYouMean(name, known)}`);
  };
  for (const [index, entry] of order.entries()) {
    const at = [...path, index];
    if (typeof entry === 'string') check(entry, at);
    else if (entry.length === 0) findings.refuse(at, 'is an empty list; name the devices or providers that stand equal, or leave it out');
    else for (const [inner, name] of entry.entries()) check(name, [...at, inner]);
  }
  const names = order.flat();
  if (new Set(names).size < names.length) findings.refuse(path, 'names something twice; each device and each provider belongs there once');
}
