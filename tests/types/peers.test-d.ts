import { createRouter } from '../../src/index.ts';
import { aiSdkAdapter, createInferlane } from '../../src/ai-sdk/index.ts';
import type {
  AiSdkAdapterOptions,
  InferlaneDefaults,
  InferlaneEmbedOptions,
  InferlaneOptions,
  InferlaneProvider,
} from '../../src/ai-sdk/index.ts';
import { type NodeHttpOptions, nodeHttpTransport } from '../../src/lib/node-http.ts';
import type * as nodeHttp from '../../src/lib/node-http.ts';
import { type UndiciOptions, undiciTransport } from '../../src/lib/undici-transport.ts';
import type * as undici from '../../src/lib/undici-transport.ts';
import { type RedisClient, redisStore, type RedisStoreOptions } from '../../src/state/redis.ts';
import type { StateStore, Transport, TransportRequest, TransportResponse } from '../../src/index.ts';
import { exactly, some } from './exactly.ts';

const router = createRouter({ providers: { gpu: { type: 'ollama' } } });

// The AI SDK.

const defaults: InferlaneDefaults = { intent: 'heavy', deadlineMs: 5_000 };
const inferlane: InferlaneProvider = createInferlane(router, defaults);
exactly<'v4'>()(inferlane.specificationVersion);
exactly<string>()(inferlane('llama3.1').modelId + inferlane.embeddingModel('nomic-embed-text').modelId);
const forChat: InferlaneOptions = { provider: 'gpu', onStreamFailure: 'continue' };
const forVectors: InferlaneEmbedOptions = { user: 'me', extra: { ollama: { keep_alive: '10m' } } };
void [forChat, forVectors];
// @ts-expect-error: a stream of the AI SDK cannot begin anew
void ({ onStreamFailure: 'restart' } satisfies InferlaneOptions);
const named: AiSdkAdapterOptions = { name: 'their-own', capabilities: { tools: false } };
createRouter({ providers: { theirs: { type: 'custom', adapter: aiSdkAdapter(inferlane('llama3.1'), named) } } });

// Transports.

const kept: NodeHttpOptions = { idleMs: 1_000, maxIdle: 8 };
createRouter({ providers: { gpu: { type: 'ollama' } }, transport: nodeHttpTransport(kept) });
const shared: UndiciOptions = { allowH2: true };
createRouter({ providers: { gpu: { type: 'ollama' } }, transport: undiciTransport(shared) });
// @ts-expect-error: a misspelt option
nodeHttpTransport({ idle: 1_000 });
exactly<Transport>()(some<nodeHttp.Transport>());
exactly<TransportRequest>()(some<nodeHttp.TransportRequest>());
exactly<TransportResponse>()(some<nodeHttp.TransportResponse>());
exactly<NodeHttpOptions['proxy']>()(some<nodeHttp.ProxyEnvironment | false | undefined>());
exactly<UndiciOptions['proxy']>()(some<undici.ProxyEnvironment | false | undefined>());
exactly<Transport>()(some<undici.Transport>());
exactly<TransportRequest>()(some<undici.TransportRequest>());
exactly<TransportResponse>()(some<undici.TransportResponse>());
const dispatcher: undici.UndiciDispatcher = {
  dispatch(options: undici.DispatchOptions, handler: undici.DispatchHandler): boolean {
    handler.onRequestStart(some<undici.DispatchController>());
    return options.path !== '';
  },
};
undiciTransport({ dispatcher });

// What several processes share.

const asked: RedisStoreOptions = { prefix: 'app:', client: some<RedisClient>() };
exactly<StateStore>()(redisStore(asked));
createRouter({ providers: { gpu: { type: 'ollama' } }, store: redisStore({ prefix: 'app:', url: 'redis://127.0.0.1:6379' }) });
// @ts-expect-error: a prefix is needed
redisStore({ url: 'redis://127.0.0.1:6379' });
