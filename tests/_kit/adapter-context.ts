import type { AdapterContext } from '../../src/adapters/context.ts';
import { type ProviderType, providerTypes } from '../../src/core/provider-types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createHttpClient } from '../../src/lib/http.ts';
import { Secret } from '../../src/lib/secret.ts';
import { ofetchTransport } from '../../src/lib/transport.ts';

/** Everything that an adapter reads beside the network, as the router would give it for a provider without options. */
export const noOptions: Omit<AdapterContext, 'provider' | 'http'> = {
  modelPath: undefined,
  embeddingModelPath: undefined,
  embeddingModel: undefined,
  threads: 0,
  contextSize: undefined,
  keepAliveS: undefined,
  dialect: 'auto',
  stripPrompt: true,
  reply: undefined,
};

/** The context of a provider, `box` unless named, over the real network layer, with the headers and the key header of its type. */
export function adapterContext(
  url: string,
  type: ProviderType = 'openai-compatible',
  options: Partial<AdapterContext> = {},
): AdapterContext {
  const { headers, keyHeader } = providerTypes[type];
  const { provider = 'box' } = options;
  const http = createHttpClient({
    provider,
    url,
    headers,
    keyHeader,
    apiKey: new Secret('key-of-the-box'),
    transport: ofetchTransport(),
    clock: systemClock,
    connectMs: 3_000,
  });
  return { ...noOptions, provider, http, ...options };
}
