import { promptText } from '../fake/sizes.ts';
import { type Candidate, type Client, load, type Vector, versionsOf } from './candidate.ts';

// The AI SDK, and its package for fallbacks. Types of what is used, and no more.

type Settings = Readonly<Record<string, unknown>>;
interface AiSdk {
  generateText(settings: Settings): Promise<{ readonly text: string }>;
  streamText(settings: Settings): { readonly textStream: AsyncIterable<string> };
  embedMany(settings: Settings): Promise<{ readonly embeddings: readonly Vector[] }>;
}
interface Models {
  chatModel(name: string): unknown;
  embeddingModel(name: string): unknown;
}
interface Compatible {
  createOpenAICompatible(settings: Settings): Models;
}
interface Fallback {
  createFallback(settings: Settings): unknown;
}

const packages = ['ai', '@ai-sdk/openai-compatible'];

async function modelMaker(): Promise<(url: string) => Models> {
  const { createOpenAICompatible } = await load<Compatible>('@ai-sdk/openai-compatible');
  return (url) => createOpenAICompatible({ name: 'bench', baseURL: `${url}/v1`, apiKey: 'none', includeUsage: true });
}

export async function aiSdk(): Promise<Candidate> {
  const sdk = await load<AiSdk>('ai');
  const modelsAt = await modelMaker();
  return {
    packages: versionsOf(...packages),
    given: '`generateText`, `textStream` of `streamText` and `embedMany`, over `createOpenAICompatible`; telemetry off, as by default',
    open(url) {
      const models = modelsAt(url);
      const embedder = models.embeddingModel('quick');
      return {
        ...clientOf(sdk, (name) => models.chatModel(name)),
        embed: async (values) => (await sdk.embedMany({ model: embedder, values })).embeddings,
      };
    },
  };
}

export async function aiFallback(): Promise<Candidate> {
  const sdk = await load<AiSdk>('ai');
  const { createFallback } = await load<Fallback>('ai-fallback');
  const modelsAt = await modelMaker();
  return {
    packages: versionsOf('ai-fallback', ...packages),
    given:
      '`createFallback({ models: [first, second] })` under the same calls; its own list of errors worth a fallback; for failover a new one for each call, made before the time counts, because it stays with the second model for three minutes, and `shouldRetryThisError: () => true`, because a refused connection is not on that list',
    open(url) {
      const models = modelsAt(url);
      return clientOf(sdk, (name) => createFallback({ models: [models.chatModel(name), models.chatModel(name)] }));
    },
    failover(first, second) {
      const models = [first, second].map((url) => modelsAt(url).chatModel('quick'));
      return () => {
        const model = createFallback({ models, shouldRetryThisError: () => true });
        return async () => (await sdk.generateText({ model, prompt: promptText })).text;
      };
    },
  };
}

/** One model for each name, made when it is first asked for. */
function clientOf(sdk: AiSdk, make: (name: string) => unknown): Client {
  const made = new Map<string, unknown>();
  const modelFor = (name: string): unknown => {
    const model = made.get(name) ?? make(name);
    made.set(name, model);
    return model;
  };
  return {
    chat: async () => (await sdk.generateText({ model: modelFor('quick'), prompt: promptText })).text,
    async stream(name, onText, abortSignal) {
      const { textStream } = sdk.streamText({ model: modelFor(name), prompt: promptText, ...(abortSignal && { abortSignal }) });
      for await (const text of textStream) onText(text);
    },
  };
}
