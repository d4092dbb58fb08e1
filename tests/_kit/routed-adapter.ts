import type {
  Adapter,
  Call,
  ChatRequest,
  ChunkBatches,
  EmbedRequest,
  ModelInfo,
  ProviderHealth,
  ProviderType,
  Router,
} from '../../src/index.ts';
import type * as Inferlane from '../../src/index.ts';

export interface RoutedOptions {
  /** Of the sources, or of a build. */
  readonly inferlane: Pick<typeof Inferlane, 'createRouter' | 'isRouterError' | 'RouterError'>;
  readonly type: ProviderType;
  readonly url: string;
  /** Whose declarations and verbs it shows: the router's own adapter is not to be seen from outside. */
  readonly like: Adapter;
  readonly provider?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * An adapter whose verbs call a router with one provider. What the router adds is taken off again, so whoever uses it must not be
 * able to tell it from the adapter that the router has inside.
 */
export function routedAdapter({ inferlane, type, url, like, provider }: RoutedOptions): Adapter {
  const { isRouterError, RouterError } = inferlane;
  const make = (): Router =>
    inferlane.createRouter({
      providers: { box: { type, url, apiKey: 'key-of-the-box', ...provider } },
      checkModels: false,
      health: false,
      pollMs: false,
      allowPaid: true,
      maxAttempts: 1,
    });
  const made: Router[] = [];
  let router: Router | undefined;
  const current = (): Router => {
    if (router === undefined) made.push((router = make()));
    return router;
  };
  const shown = (error: unknown): unknown => {
    // A failure leaves rests, pins and breakers behind. Those are the router's, so the next call gets a new one.
    router = undefined;
    if (isRouterError(error, 'all_failed')) return error.attempts.at(-1)?.error;
    if (isRouterError(error, 'stream_interrupted')) return error.cause;
    const [skipped] = isRouterError(error, 'no_provider') ? error.skipped : [];
    return skipped === undefined ? error : new RouterError(skipped.code, skipped.reason);
  };
  const unwrapped = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      throw shown(error);
    }
  };
  const stream = async (call: Call<ChatRequest>): Promise<ChunkBatches> => {
    const chunks = await unwrapped(current().stream(asked(call), { signal: call.signal }));
    return (async function* () {
      try {
        for await (const chunk of chunks) yield [chunk];
      } catch (error) {
        throw shown(error);
      }
    })();
  };
  const report = async (signal: AbortSignal): Promise<ProviderHealth> => {
    const [found] = (await current().health({ signal })).providers;
    if (found === undefined) throw new Error('The router knows no provider.');
    if (found.error !== undefined) throw new RouterError(found.error.code as 'unavailable', found.error.message);
    return found;
  };
  const models = async (signal: AbortSignal): Promise<readonly ModelInfo[]> => {
    const [found] = (await current().models({ signal })).providers;
    if (found?.models === undefined)
      throw new RouterError((found?.error?.code ?? 'bug') as 'unavailable', found?.error?.message ?? 'No list.');
    return found.models;
  };
  return {
    ...like,
    // Only a router asks for the rest of an answer, in the middle of a stream: no caller can, so these go past it.
    chat: (call) => (call.continues ? like.chat(call) : unwrapped(current().chat(asked(call), { signal: call.signal }))),
    stream: (call) => (call.continues ? like.stream(call) : stream(call)),
    ...(like.embed && { embed: (call: Call<EmbedRequest>) => unwrapped(current().embed(asked(call), { signal: call.signal })) }),
    ...(like.models && { models }),
    ...(like.health && { health: async (signal: AbortSignal) => toReport(await report(signal)) }),
    ...(like.load && { load: async (signal: AbortSignal) => (await report(signal)).load ?? {} }),
    async close() {
      await Promise.all(made.map((each) => each.close({ drainMs: 0 })));
    },
  };
}

function toReport({ status, version }: ProviderHealth): { readonly state: 'ok' | 'warming'; readonly version?: string } {
  return { state: status === 'warming' ? 'warming' : 'ok', ...(version !== undefined && { version }) };
}

function asked<Request extends ChatRequest | EmbedRequest>({ request, model }: Call<Request>): Request {
  return { ...request, model };
}
