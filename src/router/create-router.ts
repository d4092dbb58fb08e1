import { EventEmitter } from 'eventemitter3';
import type { Adapter } from '../core/adapter.ts';
import { createEmitter, type RouterEmitter } from '../core/emitter.ts';
import type { ConfigWarning, RouterConfig } from '../config/config.ts';
import { readEnv } from '../config/env.ts';
import type { OptionNames } from '../config/option-names.ts';
import type { RouterOptions } from '../config/options.ts';
import type { LoadedOptions } from '../config/file.ts';
import { resolveConfig } from '../config/resolve.ts';
import { createClosing } from './closing.ts';
import { createEngine } from './create-engine.ts';
import { testFailover, testProvider } from './drill.ts';
import type { Engine } from './engine.ts';
import { explain } from './explain.ts';
import { checkHealth } from './health.ts';
import { watchHealth } from './health-monitor.ts';
import { takeInventory } from './inventory.ts';
import { logEvents } from './log-events.ts';
import { checkDefaultModels } from './model-check.ts';
import { refreshLoads } from './load-polls.ts';
import { createOwnFetch } from './own-fetch.ts';
import type { Provider } from './provider.ts';
import { createRecorders } from './recorder.ts';
import type { Router } from './router.ts';
import { createSharing, type Sharing } from './sharing.ts';
import { takeSnapshot } from './snapshot.ts';
import { changesBetween, createRetired } from './update.ts';
import { createVerbs, type Live } from './verbs.ts';

const usualDrainMs = 5_000;

/** Any name, of which editors suggest those that are known. */
type Suggested<Name extends string> = string extends Name ? string : Name | (string & {});

/**
 * Builds a router. Without options the environment is read (`fromEnv`). Its type knows the names in the options as far as they are
 * written out.
 * @throws {ConfigError} with every issue of the options at once.
 */
export function createRouter<
  Provider extends string,
  Model extends string = string,
  // Where the providers are not known, such as those of the environment, neither are the intents.
  Intent extends string = string extends Provider ? string : 'fast',
>(options?: RouterOptions & OptionNames<Provider, Model, Intent>): Router<Provider, Suggested<Model>, Intent | 'fast' | 'heavy'> {
  const given = options === undefined ? readEnv(environment()) : { options, warnings: warningsOf(options) };
  const { config, warnings } = resolveConfig(given.options);
  const emitter = createEmitter(new EventEmitter());
  const { announce } = emitter;
  const closing = createClosing(config.clock);
  const sharing: Sharing | undefined =
    config.store && createSharing({ store: config.store, clock: config.clock, random: config.random, announce, engine: () => live.engine });
  const live: Live = {
    engine: createEngine(config, { announce, shutdown: closing.shutdown, sharing }),
    closing,
    recorders: createRecorders(emitter, () => live.engine, closing.assertOpen),
  };
  logEvents(emitter, () => live.engine.config);
  return createClient(live, emitter, startLater(live.engine, live, emitter, [...given.warnings, ...warnings]));
}

/** Begins what runs beside the calls, once listeners may be there: they come after the caller has got its router. Gives what ends it. */
function startLater(engine: Engine, { closing }: Live, emitter: RouterEmitter, warnings: readonly ConfigWarning[]): () => void {
  let stop: (() => void) | undefined;
  let isOver = false;
  queueMicrotask(() => {
    for (const warning of warnings) emitter.announce('config:warning', warning);
    if (closing.closed || isOver) return;
    engine.sharing?.renew();
    refreshLoads(engine, engine.config.maxLocality);
    stop = watchHealth(engine);
    if (engine.config.checkModels) void checkDefaultModels(engine);
    void engine.canaries?.compareAll();
  });
  return () => {
    isOver = true;
    stop?.();
    engine.canaries?.stop();
  };
}

function createClient(live: Live, emitter: RouterEmitter, firstStop: () => void): Router {
  const { closing } = live;
  const retired = createRetired(closing);
  let stop = firstStop;
  let closed: Promise<void> | undefined;
  const router: Router = {
    ...createVerbs(live),
    async health(ask = {}) {
      closing.assertOpen();
      return checkHealth(live.engine, ask);
    },
    async models(ask = {}) {
      closing.assertOpen();
      return takeInventory(live.engine, ask);
    },
    async testProvider(id, ask = {}) {
      closing.assertOpen();
      return testProvider(router, live.engine, id, ask);
    },
    async testFailover(ask = {}) {
      closing.assertOpen();
      return testFailover(router, () => live.engine, ask);
    },
    explain: (request, options = {}) => explain(live.engine, request, options),
    unpin: ({ provider, model } = {}) => sumOver(live.engine, provider, (each) => each.unpin(model)),
    closeCircuit: ({ provider, model } = {}) => sumOver(live.engine, provider, (each) => each.closeCircuit(model)),
    fetch: createOwnFetch(() => router, live.engine.config.clock),
    record: live.recorders.record,
    spending: () => live.engine.metering.spending(),
    snapshot: () => takeSnapshot(live.engine, closing.inFlight, closing.closed),
    update(options) {
      closing.assertOpen();
      const before = live.engine;
      const { config, warnings } = resolveConfig(goingOn(options, before.config));
      retired.refuseClosed(config);
      const odd = [...warningsOf(options), ...warnings];
      const changes = changesBetween(before.config, config);
      const after = createEngine(config, { announce: emitter.announce, shutdown: closing.shutdown, sharing: before.sharing }, before);
      live.engine = after;
      stop();
      retired.retire(before, after);
      // A listener may bring the next update.
      stop = startLater(after, live, emitter, odd);
      emitter.announce('config:update', changes);
      return changes;
    },
    on: (name, listener) => (emitter.on(name, listener), router),
    once: (name, listener) => (emitter.once(name, listener), router),
    off: (name, listener) => (emitter.off(name, listener), router),
    // Whoever closes it again waits for the same end: what is owed to the store is settled once.
    close: ({ drainMs = usualDrainMs } = {}) => (closed ??= closeAll(live, retired.take, drainMs)),
    [Symbol.asyncDispose]: () => router.close(),
  };
  return router;
}

async function closeAll(live: Live, retired: () => readonly Adapter[], drainMs: number): Promise<void> {
  await live.closing.close(() => [...live.engine.list.map(({ adapter }) => adapter), ...retired()], drainMs);
  live.recorders.end();
  // The last calls have something to tell as well.
  await live.engine.metering.close();
  await live.engine.sharing?.close();
}

function sumOver({ list }: Engine, only: string | undefined, count: (provider: Provider) => number): number {
  return list.filter(({ id }) => only === undefined || id === only).reduce((sum, provider) => sum + count(provider), 0);
}

/** What an update leaves as it is unless it names another. */
function goingOn(options: RouterOptions, { clock, transport, random, store, logger }: RouterConfig): RouterOptions {
  const given = { ...options };
  return {
    ...given,
    clock: given.clock ?? clock,
    transport: given.transport ?? transport,
    random: given.random ?? random,
    logger: given.logger ?? logger,
    store: given.store ?? store,
  };
}

/** Options that were read from a file bring what was odd about it. */
function warningsOf(options: RouterOptions): readonly ConfigWarning[] {
  return (options as Partial<LoadedOptions> | undefined)?.warnings ?? [];
}

/** Every runtime but a browser has one. */
function environment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env ?? {};
}
