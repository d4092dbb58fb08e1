import { type Candidate, type Client, load, nothingToClose, type Place, type Setting, versionsOf } from './candidate.ts';

// The `openai` client by itself, in a plain loop over two of them, and under LangChain's fallbacks.

interface Chunk {
  readonly choices: readonly { readonly delta?: { readonly content?: string | null } }[];
}
interface Completion {
  readonly choices: readonly { readonly message: { readonly content: string | null } }[];
}
interface OpenAi {
  readonly chat: { readonly completions: { create(body: unknown, options: { signal: AbortSignal }): Promise<unknown> } };
}
type OpenAiClass = new (settings: Readonly<Record<string, unknown>>) => OpenAi;

const oneOf = (patienceMs: number): number => Math.round((patienceMs * 5) / 12);

export async function openAiAlone(): Promise<Candidate> {
  const { OpenAI } = await load<{ OpenAI: OpenAiClass }>('openai');
  return {
    name: 'openai alone',
    packages: versionsOf('openai'),
    given:
      '`new OpenAI({ baseURL, apiKey, timeout: 3_000 })` with its own two retries; it has no second server to turn to, so that it can survive little',
    open({ first, model, patienceMs }) {
      const client = new OpenAI({ ...placed(first), timeout: Math.round(patienceMs / 4) });
      return {
        chat: (prompt, signal) => wholeOf(client, model, prompt, signal),
        stream: (prompt, signal) => piecesOf(client, model, prompt, signal),
        close: nothingToClose,
      };
    },
  };
}

export async function openAiLoop(): Promise<Candidate> {
  const { OpenAI } = await load<{ OpenAI: OpenAiClass }>('openai');
  return {
    name: 'openai, loop',
    packages: versionsOf('openai'),
    given:
      'two clients in a loop by hand, which moves on after any error as long as no text was given out; `maxRetries: 0, timeout: 5_000` each',
    open(setting) {
      const limits = { maxRetries: 0, timeout: oneOf(setting.patienceMs) };
      const clients = [setting.first, setting.second].map((place) => new OpenAI({ ...placed(place), ...limits }));
      return loopOver(clients, setting.model);
    },
  };
}

function loopOver(clients: readonly OpenAi[], model: string): Client {
  return {
    async chat(prompt, signal) {
      let last: unknown;
      for (const client of clients) {
        try {
          return await wholeOf(client, model, prompt, signal);
        } catch (error) {
          signal.throwIfAborted();
          last = error;
        }
      }
      throw last;
    },
    async *stream(prompt, signal) {
      let last: unknown;
      for (const client of clients) {
        let hasText = false;
        try {
          for await (const text of piecesOf(client, model, prompt, signal)) {
            hasText = true;
            yield text;
          }
          return;
        } catch (error) {
          signal.throwIfAborted();
          if (hasText) throw error;
          last = error;
        }
      }
      throw last;
    },
    close: nothingToClose,
  };
}

export async function langChain(): Promise<Candidate> {
  interface Message {
    readonly text: string;
  }
  interface Runnable {
    invoke(prompt: string, options: { signal: AbortSignal }): Promise<Message>;
    stream(prompt: string, options: { signal: AbortSignal }): Promise<AsyncIterable<Message>>;
    withFallbacks(fallbacks: readonly Runnable[]): Runnable;
  }
  type ChatClass = new (settings: Readonly<Record<string, unknown>>) => Runnable;
  const { ChatOpenAI } = await load<{ ChatOpenAI: ChatClass }>('@langchain/openai');
  const modelOf = ({ url, apiKey }: Place, { model, patienceMs }: Setting): Runnable =>
    new ChatOpenAI({ model, apiKey, maxRetries: 0, timeout: oneOf(patienceMs), configuration: { baseURL: `${url}/v1` } });
  return {
    name: 'LangChain',
    packages: versionsOf('@langchain/core', '@langchain/openai', 'openai'),
    given: '`first.withFallbacks([second])` over `ChatOpenAI`, `maxRetries: 0` as its guide to fallbacks asks, `timeout: 5_000` each',
    open(setting) {
      const runnable = modelOf(setting.first, setting).withFallbacks([modelOf(setting.second, setting)]);
      return {
        chat: async (prompt, signal) => (await runnable.invoke(prompt, { signal })).text,
        async *stream(prompt, signal) {
          for await (const { text } of await runnable.stream(prompt, { signal })) if (text) yield text;
        },
        close: nothingToClose,
      };
    },
  };
}

const placed = ({ url, apiKey }: Place) => ({ baseURL: `${url}/v1`, apiKey });

async function wholeOf(client: OpenAi, model: string, prompt: string, signal: AbortSignal): Promise<string> {
  const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: prompt }] }, { signal });
  return (answer as Completion).choices[0]?.message.content ?? '';
}

async function* piecesOf(client: OpenAi, model: string, prompt: string, signal: AbortSignal): AsyncGenerator<string> {
  const body = { model, messages: [{ role: 'user', content: prompt }], stream: true };
  const stream = (await client.chat.completions.create(body, { signal })) as AsyncIterable<Chunk>;
  for await (const { choices } of stream) {
    const content = choices[0]?.delta?.content;
    if (content) yield content;
  }
}
