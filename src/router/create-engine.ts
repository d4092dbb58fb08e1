import type { Adapter } from '../core/adapter.ts';
import type { Announce } from '../core/events.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import type { StopSignal } from '../lib/stop.ts';
import { createAffinity } from '../routing/affinity.ts';
import { createPrefixMemory } from '../routing/prefixes.ts';
import { createAdapter, hasSameCredentials, isSameServer, isSpokenToAlike } from './create-adapter.ts';
import { createEmbeddingCanaries } from './embedding-canary.ts';
import { createEmbeddingSpaces, type EmbeddingSource } from './embedding-space.ts';
import type { Engine } from './engine.ts';
import { createHedgeLoad } from './hedge-delay.ts';
import { createKeptAnswers } from './kept-answers.ts';
import { createMetering } from './metering.ts';
import { resolveModel, sameName } from './model-name.ts';
import { createProvider, type Provider } from './provider.ts';
import type { Sharing } from './sharing.ts';
import { createProviderState, type ProviderState } from './provider-state.ts';
import { resizeLanes } from './slots.ts';
import { createStandings } from './standing.ts';

interface Shared {
  readonly sharing: Sharing | undefined;
  readonly announce: Announce;
  readonly shutdown: StopSignal;
}

/** All that runs on one configuration. What `before` has learnt of servers that are still in it goes on. */
export function createEngine(config: RouterConfig, { announce, shutdown, sharing }: Shared, before?: Engine): Engine {
  const enabled = config.providers.filter((provider) => provider.enabled);
  // Whatever may fail comes first: until all adapters are there, nothing of `before` changes.
  const adapters = new Map(enabled.map((provider) => [provider.id, adapterFor(provider, config, announce, before)]));
  const list = enabled.map((provider) => {
    const adapter = adapters.get(provider.id) as Adapter;
    const known = before && takeOver(provider, adapter, config, before);
    const state = known ?? createProviderState({ config: provider, router: config });
    return createProvider({ config: provider, adapter, router: config, announce, sharing, state });
  });
  if (before !== undefined) forgetQuestions(before, list);
  const providers = new Map(list.map((provider) => [provider.id, provider]));
  return {
    config,
    providers,
    list,
    standings: createStandings(config, list),
    affinity: before?.affinity ?? createAffinity(),
    prefixes: before?.prefixes ?? createPrefixMemory(),
    spaces: before?.spaces.under((source) => stillGives(source, config, before.providers, providers)) ?? createEmbeddingSpaces(),
    canaries: config.checkEmbeddings ? createEmbeddingCanaries({ config, providers: embedders(list), announce, shutdown }) : undefined,
    poll: before?.poll ?? { dueMs: -Infinity },
    calls: { underWay: 0, lastAtMs: before?.calls.lastAtMs ?? -Infinity, onIdle: undefined },
    announce,
    headerWarnings: before?.headerWarnings ?? new Set(),
    shutdown,
    hedgeLoad: createHedgeLoad(config.hedge),
    metering: createMetering({ config, announce, meters: sharing?.link }, before?.metering.books),
    kept: createKeptAnswers(config, announce, before?.kept),
    sharing,
  };
}

function embedders(list: readonly Provider[]): Parameters<typeof createEmbeddingCanaries>[0]['providers'] {
  return new Map(list.map(({ id, config, adapter, state: { foreignSpaces } }) => [id, { id, config, adapter, state: { foreignSpaces } }]));
}

function adapterFor(provider: ProviderConfig, config: RouterConfig, announce: Announce, before: Engine | undefined): Adapter {
  const known = before?.providers.get(provider.id);
  const goesOn = before !== undefined && known !== undefined && isSpokenToAlike(known.config, provider, before.config, config);
  return goesOn ? known.adapter : createAdapter(provider, config, announce);
}

/** What was learnt of a server that stays; undefined where another one comes. */
function takeOver(provider: ProviderConfig, adapter: Adapter, config: RouterConfig, before: Engine): ProviderState | undefined {
  const known = before.providers.get(provider.id);
  if (known === undefined || !isSameServer(known.config, provider)) return undefined;
  const { state } = known;
  if (!hasSameCredentials(known.config, provider)) {
    // Others may be taken where the old ones were refused; what the old ones still bring in is no news.
    state.credentials += 1;
    state.disabledUntilMs = -Infinity;
  }
  if (adapter !== known.adapter) state.health = undefined;
  if (config.pollMs !== before.config.pollMs) state.poll.dueMs = -Infinity;
  state.retryTokens = Math.min(state.retryTokens, config.retry.maxTokens);
  // Spaces are another matter in another configuration; comparisons under way write to the map of theirs.
  state.foreignSpaces = new Map();
  state.slotRules = { config: provider, router: config };
  resizeLanes(state);
  return state;
}

type Providers = Engine['providers'];

/** Is it the same server, and would a call in the space still be one for the model whose vectors it gave there? */
function stillGives({ space, provider: id, model }: EmbeddingSource, config: RouterConfig, before: Providers, after: Providers): boolean {
  const [was, is] = [before.get(id)?.config, after.get(id)];
  if (was === undefined || is === undefined || !isSameServer(was, is.config)) return false;
  if (was.embeddingModelPath !== is.config.embeddingModelPath) return false;
  const { modelName } = is.adapter;
  return [undefined, model, ...config.models.keys()].some((requested) => {
    const question = { verb: 'embed', requested, provider: is.config, modelName, config, denies: () => undefined } as const;
    const found = resolveModel(question);
    return found.missing === undefined && found.space === space && sameName(found.model ?? '', model ?? '');
  });
}

/** Nobody waits for what those say of themselves that are spoken to no more, or otherwise. */
function forgetQuestions(before: Engine, list: readonly Provider[]): void {
  const adapters = new Set(list.map(({ adapter }) => adapter));
  for (const { adapter, state } of before.list) if (!adapters.has(adapter)) state.checking = undefined;
  before.poll.dueMs = -Infinity;
}
