import type { Adapter } from '../core/adapter.ts';
import { ConfigError } from '../core/errors.ts';
import type { ConfigChanges } from '../core/events.ts';
import type { RouterConfig } from '../config/config.ts';
import type { Closing } from './closing.ts';
import { hasSameCredentials } from './create-adapter.ts';
import type { Engine } from './engine.ts';

/**
 * Which providers come, go, and are another than before.
 * @throws {ConfigError} where the clock would be another one: what is under way measures by the old one; or the store, which knows this
 * router.
 */
export function changesBetween(before: RouterConfig, after: RouterConfig): ConfigChanges {
  if (before.clock !== after.clock)
    throw new ConfigError([{ path: 'clock', message: 'cannot be changed while the router runs; make a new one' }]);
  if (before.store !== after.store)
    throw new ConfigError([{ path: 'store', message: 'cannot be changed while the router runs; make a new one' }]);
  const was = new Map(before.providers.map((provider) => [provider.id, provider]));
  const ids = after.providers.map(({ id }) => id);
  return {
    added: ids.filter((id) => !was.has(id)),
    removed: [...was.keys()].filter((id) => !ids.includes(id)),
    changed: after.providers.flatMap((provider) => {
      const known = was.get(provider.id);
      return known === undefined || isAlike(known, provider) ? [] : [provider.id];
    }),
  };
}

type Config = RouterConfig['providers'][number];

function isAlike(one: Config, other: Config): boolean {
  return plainText(one) === plainText(other) && one.adapter === other.adapter && hasSameCredentials(one, other);
}

function plainText({ apiKey: _key, adapter: _adapter, ...rest }: Config): string {
  return JSON.stringify(rest);
}

/** Adapters of configurations that were replaced: each is closed when the last call that may use it has ended. */
export interface Retired {
  /**
   * Before a configuration takes over. An adapter is closed once, so it cannot come back after it was.
   * @throws {ConfigError}
   */
  refuseClosed(config: RouterConfig): void;
  /** `after` runs in place of `before` from now on. */
  retire(before: Engine, after: Engine): void;
  /** Hands over those that are not closed yet, for somebody else to close; some may be in use by the configuration of now. */
  take(): readonly Adapter[];
}

export function createRetired(closing: Closing): Retired {
  const waiting = new Set<Adapter>();
  const closed = new WeakSet<Adapter>();
  /** Replaced, with calls under way. */
  const busy = new Set<Engine>();
  const sweep = (live: Engine): void => {
    const used = new Set([live, ...busy].flatMap(({ list }) => list.map(({ adapter }) => adapter)));
    // Those of providers that are switched off as well: they may be switched on again.
    for (const { adapter } of live.config.providers) if (adapter !== undefined) used.add(adapter);
    for (const adapter of [...waiting].filter((each) => !used.has(each))) {
      waiting.delete(adapter);
      if (adapter.close !== undefined) closed.add(adapter);
      closing.free(adapter);
    }
  };
  let live: Engine | undefined;
  return {
    refuseClosed({ providers }) {
      const back = providers.filter(({ adapter }) => adapter !== undefined && closed.has(adapter));
      if (back.length === 0) return;
      const message = 'was closed after an update that went without it; make a new one';
      throw new ConfigError(back.map(({ id }) => ({ path: `providers.${id}.adapter`, message })));
    },
    take() {
      const left = [...waiting];
      waiting.clear();
      return left;
    },
    retire(before, after) {
      live = after;
      for (const { adapter } of before.list) waiting.add(adapter);
      if (before.calls.underWay > 0) {
        busy.add(before);
        const onIdle = (): void => {
          busy.delete(before);
          if (live !== undefined) sweep(live);
        };
        before.calls.onIdle = onIdle;
      }
      sweep(after);
    },
  };
}
