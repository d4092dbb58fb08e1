import { autodetect, type Detection, isRouterError, type ProviderOptions, providerTypes } from '../index.ts';
import type { CliIo } from './io.ts';

/** Where servers listen that nobody configured, and the second Ollama that people start for the CPU. */
export const usualUrls: readonly string[] = [
  ...new Set(
    Object.values(providerTypes).flatMap(({ defaultUrl = '' }) => (defaultUrl.startsWith('http://127.0.0.1:') ? [defaultUrl] : [])),
  ),
  'http://127.0.0.1:11435',
].sort((one, other) => Number(new URL(one).port) - Number(new URL(other).port));

/** A server that answers tells what it is; of one that will not, or is none of ours, the reason. Nobody there: neither. */
export interface LocalServer {
  readonly url: string;
  readonly found?: Detection;
  readonly problem?: string;
}

const lookMs = 2_000;

/** Asks at every usual port what is there. Rejects with the signal's reason alone. */
export function lookAround({ localUrls = usualUrls, clock, signal }: CliIo): Promise<readonly LocalServer[]> {
  return Promise.all(
    localUrls.map(async (url): Promise<LocalServer> => {
      try {
        return { url, found: await autodetect(url, { timeoutMs: lookMs, clock, signal }) };
      } catch (error) {
        signal.throwIfAborted();
        if (!isRouterError(error)) throw error;
        return error.code === 'unavailable' ? { url } : { url, problem: error.message };
      }
    }),
  );
}

/** Types whose calls need the name of a model; the others answer with the one they were started with. */
const namesModels: ReadonlySet<string> = new Set(['ollama', 'lmstudio', 'vllm', 'sglang', 'nvidia', 'openai-compatible']);

const embeds = /embed|bge-|minilm|(?:^|[/-])(?:e5|gte)-/i;

/** What answers as providers, each by its type; a second one of a type has its port behind it. */
export function providersOf(servers: readonly LocalServer[]): Readonly<Record<string, ProviderOptions>> {
  const providers: Record<string, ProviderOptions> = {};
  for (const { found } of servers) {
    if (found === undefined) continue;
    const { type, url, models = [] } = found;
    const id = type in providers ? `${type}-${new URL(url).port}` : type;
    const embeddingModel = models.find((name) => type === 'tei' || embeds.test(name));
    const defaultModel = models.find((name) => type !== 'tei' && !embeds.test(name));
    const isNamed = namesModels.has(type);
    providers[id] = {
      type,
      url,
      ...(isNamed && defaultModel !== undefined && { defaultModel }),
      ...((isNamed || type === 'tei') && embeddingModel !== undefined && { embeddingModel }),
    };
  }
  return providers;
}
