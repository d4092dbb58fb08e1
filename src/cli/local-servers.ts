import { autodetect, type Detection, isRouterError, type ProviderOptions, providerTypes } from '../index.ts';
import type { CliIo, Place } from './io.ts';

const defaultUrls = Object.values(providerTypes).flatMap(({ defaultUrl = '' }) =>
  defaultUrl.startsWith('http://127.0.0.1:') ? [defaultUrl] : [],
);

/** The default ports of the servers, that of llama.cpp from its release b11521 on, and that of the second Ollama. */
export const usualPlaces: readonly Place[] = [
  ...Array.from(new Set([...defaultUrls, 'http://127.0.0.1:9931']), (url): Place => ({ url })),
  { url: 'http://127.0.0.1:11435', isCpuTwin: true } as const,
].sort((one, other) => Number(new URL(one.url).port) - Number(new URL(other.url).port));

/** A server that answers tells what it is; of one that will not, or is none of ours, the reason. Nobody there: neither. */
export interface LocalServer extends Place {
  readonly found?: Detection;
  readonly problem?: string;
}

const lookMs = 2_000;

/** Asks at every usual port what is there. Rejects with the signal's reason alone. */
export function lookAround({ places = usualPlaces, clock, signal }: CliIo): Promise<readonly LocalServer[]> {
  return Promise.all(
    places.map(async (place): Promise<LocalServer> => {
      try {
        return { ...place, found: await autodetect(place.url, { timeoutMs: lookMs, clock, signal }) };
      } catch (error) {
        signal.throwIfAborted();
        if (!isRouterError(error)) throw error;
        return error.code === 'unavailable' ? place : { ...place, problem: error.message };
      }
    }),
  );
}

/** Types whose calls need the name of a model; the others answer with the one they were started with. */
const namesModels: ReadonlySet<string> = new Set(['ollama', 'lmstudio', 'vllm', 'sglang', 'nvidia', 'openai-compatible']);

const embeds = /embed|bge-|minilm|(?:^|[/-])(?:e5|gte)-/i;

export function isOnCpu({ isCpuTwin, found }: LocalServer): boolean {
  return isCpuTwin === true && found?.type === 'ollama';
}

/** It answers calls only after somebody has fetched a model. */
export function isBare({ found }: LocalServer): boolean {
  return found?.type === 'ollama' && found.models?.length === 0;
}

export const fetchesModel = 'without a model yet: `ollama pull <name>` fetches one';

/** What answers as providers, each by its type; a second one of a type is `cpu` where it is on the processor, else has its port behind it. */
export function providersOf(servers: readonly LocalServer[]): Readonly<Record<string, ProviderOptions>> {
  const providers: Record<string, ProviderOptions> = {};
  for (const server of servers) {
    if (server.found === undefined) continue;
    const { type, url, models = [] } = server.found;
    const isCpu = isOnCpu(server);
    const second = isCpu ? 'cpu' : `${type}-${new URL(url).port}`;
    const embeddingModel = models.find((name) => type === 'tei' || embeds.test(name));
    const defaultModel = models.find((name) => type !== 'tei' && !embeds.test(name));
    const isNamed = namesModels.has(type);
    providers[type in providers ? second : type] = {
      type,
      url,
      ...(isCpu && { device: 'cpu' as const }),
      ...(isNamed && defaultModel !== undefined && { defaultModel }),
      ...((isNamed || type === 'tei') && embeddingModel !== undefined && { embeddingModel }),
    };
  }
  return providers;
}
