import type { Adapter } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { Announce } from '../core/events.ts';
import { providerTypes } from '../core/provider-types.ts';
import { adapters } from '../adapters/registry.ts';
import { createHttpClient } from '../lib/http.ts';
import { Secret } from '../lib/secret.ts';
import { tunnelHeaders } from '../lib/tunnel.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';

export function createAdapter(provider: ProviderConfig, config: RouterConfig, announce: Announce): Adapter {
  const { transport, clock } = config;
  if (provider.adapter !== undefined) return provider.adapter;
  if (provider.type === 'custom') throw new RouterError('invalid_config', `providers.${provider.id}: a custom provider needs an adapter.`);
  const { id, type, url = '', headers, apiKey } = provider;
  const row = providerTypes[type];
  const http = createHttpClient({
    provider: id,
    url,
    headers: { ...row.headers, ...tunnelHeaders(url), ...headers },
    keyHeader: row.keyHeader,
    apiKey,
    transport,
    clock,
    connectMs: connectMs(provider, config),
    onReplaced: (requestId) => announce('retry', { requestId, provider: id, model: undefined, reason: 'stale_socket', delayMs: 0 }),
  });
  return adapters[type]({ provider: id, http, ...ownOptions(provider) });
}

type OwnOptions = Pick<
  ProviderConfig,
  'modelPath' | 'embeddingModelPath' | 'embeddingModel' | 'threads' | 'contextSize' | 'keepAliveS' | 'dialect' | 'stripPrompt' | 'reply'
>;

function ownOptions(provider: ProviderConfig): OwnOptions {
  const { modelPath, embeddingModelPath, embeddingModel, threads, contextSize, keepAliveS, dialect, stripPrompt, reply } = provider;
  return { modelPath, embeddingModelPath, embeddingModel, threads, contextSize, keepAliveS, dialect, stripPrompt, reply };
}

function connectMs({ timeouts }: ProviderConfig, { timeouts: usual }: RouterConfig): number {
  return timeouts.connectMs ?? usual.connectMs;
}

/** Do two configurations of a provider mean one and the same server, of which what was learnt holds? */
export function isSameServer(one: ProviderConfig, other: ProviderConfig): boolean {
  return one.type === other.type && one.url === other.url && one.adapter === other.adapter && one.modelPath === other.modelPath;
}

/** Would both be spoken to in the same way, so that an adapter, with the models that it may hold, can go on? */
export function isSpokenToAlike(one: ProviderConfig, other: ProviderConfig, before: RouterConfig, after: RouterConfig): boolean {
  return (
    isSameServer(one, other) &&
    hasSameCredentials(one, other) &&
    before.transport === after.transport &&
    connectMs(one, before) === connectMs(other, after) &&
    JSON.stringify(ownOptions(one)) === JSON.stringify(ownOptions(other))
  );
}

export function hasSameCredentials({ apiKey, headers }: ProviderConfig, other: ProviderConfig): boolean {
  const isSameKey = apiKey instanceof Secret ? apiKey.equals(other.apiKey) : apiKey === other.apiKey;
  return isSameKey && JSON.stringify(headers) === JSON.stringify(other.headers);
}
