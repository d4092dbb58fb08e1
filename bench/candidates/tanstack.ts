import { type Candidate, load, type Vector, versionsOf } from './candidate.ts';
import { messages } from './by-hand.ts';

// TanStack AI. Types of what is used, and no more.

type Settings = Readonly<Record<string, unknown>>;
interface Part {
  readonly type: string;
  readonly delta?: string;
  readonly message?: string;
}
interface TanStack {
  chat(settings: Settings): unknown;
  embed(settings: Settings): Promise<{ readonly embeddings: readonly { readonly vector: Vector }[] }>;
}
interface Compatible {
  openaiCompatible(settings: Settings): (model: string) => unknown;
}
interface OfOpenAi {
  createOpenaiEmbedding(model: string, apiKey: string, settings: Settings): unknown;
}

export async function tanStack(): Promise<Candidate> {
  const { chat, embed } = await load<TanStack>('@tanstack/ai');
  const { openaiCompatible } = await load<Compatible>('@tanstack/ai-openai/compatible');
  const { createOpenaiEmbedding } = await load<OfOpenAi>('@tanstack/ai-openai');
  return {
    packages: versionsOf('@tanstack/ai', '@tanstack/ai-openai', '@tanstack/openai-base'),
    given:
      '`chat({ adapter, messages })` with the adapter of `openaiCompatible`, `stream: false` for a chat (which it asks for as a stream all the same, and gets in ten events), and `embed` with that of OpenAI, which asks for floats',
    open(url) {
      const settings = { apiKey: 'none', baseURL: `${url}/v1` };
      const adapterFor = openaiCompatible({ ...settings, name: 'bench', models: ['quick', 'paced', 'full', 'held'] });
      const embedder = createOpenaiEmbedding('quick', 'none', { baseURL: settings.baseURL });
      return {
        chat: async () => (await chat({ adapter: adapterFor('quick'), messages, stream: false })) as string,
        async stream(name, onText, signal) {
          const abortController = new AbortController();
          signal?.addEventListener('abort', () => abortController.abort());
          const parts = chat({ adapter: adapterFor(name), messages, abortController }) as AsyncIterable<Part>;
          for await (const { type, delta, message } of parts) {
            if (type === 'TEXT_MESSAGE_CONTENT' && delta) onText(delta);
            if (type === 'RUN_ERROR') throw new Error(message ?? 'The stream told of an error.');
          }
        },
        embed: async (input) => (await embed({ adapter: embedder, input })).embeddings.map(({ vector }) => vector),
      };
    },
  };
}
