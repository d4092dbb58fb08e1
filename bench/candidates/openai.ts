import { promptText } from '../fake/sizes.ts';
import { type Candidate, type Client, load, type Vector, versionsOf } from './candidate.ts';
import { type Answer, contentOf, messages } from './by-hand.ts';

// The `openai` client, and LangChain over it. Types of what is used, and no more.

interface Chunk {
  readonly choices: readonly { readonly delta?: { readonly content?: string | null } }[];
}
interface OpenAi {
  readonly chat: { readonly completions: { create(body: unknown, options?: { signal: AbortSignal }): Promise<unknown> } };
  readonly embeddings: { create(body: unknown): Promise<{ readonly data: readonly { readonly embedding: readonly number[] }[] }> };
}
type Settings = Readonly<Record<string, unknown>>;

export async function openAi(): Promise<Candidate> {
  const { OpenAI } = await load<{ OpenAI: new (settings: Settings) => OpenAi }>('openai');
  return {
    packages: versionsOf('openai'),
    given: '`new OpenAI({ baseURL, apiKey })`; it asks for vectors as base64 by itself',
    open(url) {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' });
      return {
        chat: async () => contentOf((await client.chat.completions.create({ model: 'quick', messages })) as Answer),
        async stream(model, onText, signal) {
          const body = { model, messages, stream: true, stream_options: { include_usage: true } };
          const stream = (await client.chat.completions.create(body, signal && { signal })) as AsyncIterable<Chunk>;
          for await (const { choices } of stream) {
            const content = choices[0]?.delta?.content;
            if (content) onText(content);
          }
        },
        async embed(input) {
          const { data } = await client.embeddings.create({ model: 'quick', input });
          return data.map(({ embedding }) => embedding);
        },
      };
    },
  };
}

interface Message {
  readonly text: string;
}
interface Runnable {
  invoke(prompt: string): Promise<Message>;
  stream(prompt: string, options?: { signal: AbortSignal }): Promise<AsyncIterable<Message>>;
  withFallbacks(fallbacks: readonly Runnable[]): Runnable;
}
interface LangChain {
  readonly ChatOpenAI: new (settings: Settings) => Runnable;
  readonly OpenAIEmbeddings: new (settings: Settings) => { embedDocuments(inputs: readonly string[]): Promise<readonly Vector[]> };
}

const langChainPackages = ['@langchain/core', '@langchain/openai', 'openai'];
const settingsFor = (url: string, model: string): Settings => ({ model, apiKey: 'none', configuration: { baseURL: `${url}/v1` } });

export async function langChain(): Promise<Candidate> {
  const { ChatOpenAI, OpenAIEmbeddings } = await load<LangChain>('@langchain/openai');
  return {
    packages: versionsOf(...langChainPackages),
    given: '`new ChatOpenAI({ model, apiKey, configuration: { baseURL } })` and `new OpenAIEmbeddings()` likewise',
    open(url) {
      const embeddings = new OpenAIEmbeddings(settingsFor(url, 'quick'));
      return {
        ...clientOf((model) => new ChatOpenAI(settingsFor(url, model))),
        embed: (inputs) => embeddings.embedDocuments(inputs),
      };
    },
  };
}

export async function langChainFallbacks(): Promise<Candidate> {
  const { ChatOpenAI } = await load<LangChain>('@langchain/openai');
  const withOne = (first: Settings, second: Settings): Runnable => new ChatOpenAI(first).withFallbacks([new ChatOpenAI(second)]);
  return {
    packages: versionsOf(...langChainPackages),
    given:
      '`first.withFallbacks([second])` over two of them; for failover `maxRetries: 0` each, as its guide asks: its six retries at the first one, each after a longer pause, would come before the second',
    open: (url) => clientOf((model) => withOne(settingsFor(url, model), settingsFor(url, model))),
    failover(first, second) {
      const runnable = withOne({ ...settingsFor(first, 'quick'), maxRetries: 0 }, { ...settingsFor(second, 'quick'), maxRetries: 0 });
      return () => async () => (await runnable.invoke(promptText)).text;
    },
  };
}

/** One runnable for each model, made when it is first asked for. */
function clientOf(make: (model: string) => Runnable): Client {
  const made = new Map<string, Runnable>();
  const runnableFor = (model: string): Runnable => {
    const runnable = made.get(model) ?? make(model);
    made.set(model, runnable);
    return runnable;
  };
  return {
    chat: async () => (await runnableFor('quick').invoke(promptText)).text,
    async stream(name, onText, signal) {
      for await (const { text } of await runnableFor(name).stream(promptText, signal && { signal })) if (text) onText(text);
    },
  };
}
