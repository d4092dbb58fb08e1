import { type Adapter, type Call, defineAdapter } from '../core/adapter.ts';
import { isRouterError } from '../core/errors.ts';
import type { ChatRequest } from '../core/types.ts';
import type { AdapterContext } from './context.ts';
import { createDialectSource, type KnownDialect } from './remote-gpu-dialect.ts';
import { nativeTgi } from './remote-gpu-tgi.ts';
import { notebook, notebookIgnores, proxy } from './remote-gpu-whole.ts';

/**
 * A server with a `/generate` route, often a notebook behind a tunnel. Three servers have one: a notebook, a proxy in front of
 * several TGI servers, and TGI itself. `dialect` says which; `auto` asks the server, once it is needed.
 */
export function remoteGpu(context: AdapterContext): Adapter {
  const { dialect } = context;
  if (dialect === 'auto') return detected(context);
  return dialect === 'tgi' ? nativeTgi(context, { isDeclared: true }) : { notebook, proxy }[dialect](context);
}

/** Promises only what each of the three can do, because it is asked before anything is known. */
function detected(context: AdapterContext): Adapter {
  const adapters: Readonly<Record<KnownDialect, Adapter>> = {
    notebook: notebook(context),
    proxy: proxy(context),
    tgi: nativeTgi(context, { isDeclared: false }),
  };
  const source = createDialectSource(context.http);
  const adapterFor = async (signal: AbortSignal): Promise<Adapter> => adapters[await source.of(signal)];
  const send = async <Answer>(call: Call<ChatRequest>, verb: (adapter: Adapter) => Promise<Answer>): Promise<Answer> => {
    const adapter = await adapterFor(call.signal);
    try {
      return await verb(adapter);
    } catch (error) {
      // The route is gone: behind this address, a tunnel's perhaps, may be another server now.
      if (isRouterError(error) && error.status === 404 && error.code !== 'model_not_found') source.forget();
      throw error;
    }
  };
  return defineAdapter({
    name: 'remote-gpu',
    modelName: 'ignored',
    ignores: notebookIgnores,
    chat: (call) => send(call, (adapter) => adapter.chat(call)),
    stream: (call) => send(call, (adapter) => adapter.stream(call)),
    health: async (signal) => (await adapterFor(signal)).health?.(signal) ?? { state: 'ok' },
    models: async (signal) => (await adapterFor(signal)).models?.(signal) ?? [],
  });
}
