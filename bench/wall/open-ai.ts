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
      '`new OpenAI({ baseURL, apiKey, timeout: 3_000 })` with its own two retries, and `AbortSignal.timeout(12_000)` for the call; it has no second server to turn to, so that it can survive little',
    open({ first, model, patienceMs }) {
      const client = new OpenAI({ ...placed(first), timeout: Math.round(patienceMs / 4) });
      return {
        chat: (prompt, signal) => wholeOf(client, model, prompt, within(patienceMs, signal)),
        stream: (prompt, signal) => piecesOf(client, model, prompt, within(patienceMs, signal)),
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
      'two clients in a loop by hand, `maxRetries: 0` and `AbortSignal.timeout(5_000)` each; it stops at a 400, takes an answer without text for a failure, and moves on after any other one as long as no text was given out; it remembers nothing and does not look at `finish_reason`',
    open(setting) {
      const clients = [setting.first, setting.second].map((place) => new OpenAI({ ...placed(place), maxRetries: 0 }));
      return loopOver(clients, setting.model, oneOf(setting.patienceMs));
    },
  };
}

class EmptyAnswerError extends Error {
  override readonly name = 'EmptyAnswerError';
}

/** A wrong key or a missing model is one server's own affair; a 400 is the caller's, wherever it is sent. */
const isMistake = (error: unknown): boolean => (error as { status?: unknown } | null | undefined)?.status === 400;

function loopOver(clients: readonly OpenAi[], model: string, limitMs: number): Client {
  return {
    async chat(prompt, signal) {
      let last: unknown;
      for (const client of clients) {
        try {
          const text = await wholeOf(client, model, prompt, within(limitMs, signal));
          if (text !== '') return text;
          last = new EmptyAnswerError('the answer has no text');
        } catch (error) {
          signal.throwIfAborted();
          if (isMistake(error)) throw error;
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
          for await (const text of piecesOf(client, model, prompt, within(limitMs, signal))) {
            hasText = true;
            yield text;
          }
          if (hasText) return;
          last = new EmptyAnswerError('the stream has no text');
        } catch (error) {
          signal.throwIfAborted();
          if (hasText || isMistake(error)) throw error;
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
    withConfig(config: { timeout: number }): Runnable;
    withFallbacks(fallbacks: readonly Runnable[]): Runnable;
  }
  type ChatClass = new (settings: Readonly<Record<string, unknown>>) => Runnable;
  const { ChatOpenAI } = await load<{ ChatOpenAI: ChatClass }>('@langchain/openai');
  const modelOf = ({ url, apiKey }: Place, { model, patienceMs }: Setting): Runnable =>
    new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${url}/v1` } }).withConfig({ timeout: oneOf(patienceMs) });
  return {
    name: 'LangChain',
    packages: versionsOf('@langchain/core', '@langchain/openai', 'openai'),
    given:
      '`first.withFallbacks([second])` over `ChatOpenAI`, `maxRetries: 0` as its guide to fallbacks asks, `withConfig({ timeout: 5_000 })` each, which bounds a stream to its end where the `timeout` of `ChatOpenAI` ends at its headers; which errors to move on after is not among the settings of its JavaScript form',
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

/** The client's own `timeout` ends at the headers of a stream; a signal bounds all of it. */
const within = (limitMs: number, signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);

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
  // Once aborted, the client ends a stream without a word.
  signal.throwIfAborted();
}
