import { type Candidate, type Client, load, nothingToClose, type Setting, versionsOf } from './candidate.ts';

// The two fallback packages of the AI SDK. Types of what is used, and no more: the packages are installed in this folder alone.

interface Part {
  readonly type: string;
  readonly text?: string;
  readonly error?: unknown;
  readonly reason?: unknown;
}
interface Streamed {
  readonly fullStream: AsyncIterable<Part>;
}
interface Whole {
  readonly text: string;
}
type Settings = Readonly<Record<string, unknown>>;
export interface AiSdk {
  generateText(settings: Settings): Promise<Whole>;
  streamText(settings: Settings): Streamed;
}
interface Compatible {
  createOpenAICompatible(settings: Settings): { chatModel(name: string): unknown };
}

const shared = ['ai', '@ai-sdk/openai-compatible'];
/** What one attempt may take where a package bounds attempts and not calls: two of them fit into the patience. */
const oneOf = (patienceMs: number): number => Math.round((patienceMs * 5) / 12);

const piecesWithin = (limitMs: number) => ({ stepMs: limitMs, firstChunkMs: limitMs, chunkMs: limitMs });

/** Another server may help with anything but a mistake of the caller: with a wrong key and a missing model too, which are its own. */
const mayHelpElsewhere = (error: unknown): boolean => (error as { statusCode?: unknown } | null | undefined)?.statusCode !== 400;

const fallbackLimits =
  'under `generateText` and `streamText`, `timeout: { totalMs: 12_000 }` for a chat and `{ totalMs: 12_000, firstChunkMs: 5_000, chunkMs: 5_000 }` for a stream';

export const aiFallback = (): Promise<Candidate> =>
  fallbackWith(
    'ai-fallback',
    {},
    `\`createFallback({ models: [first, second] })\`, as its README has it, ${fallbackLimits}; its own retry after output is on, and its own list of errors worth a retry holds, as by default`,
  );

export const aiFallbackTuned = (): Promise<Candidate> =>
  fallbackWith(
    'ai-fallback, tuned',
    { retryAfterOutput: false, shouldRetryThisError: mayHelpElsewhere },
    `the same with \`retryAfterOutput: false, shouldRetryThisError: (error) => error.statusCode !== 400\`, which its types have and its README does not name, ${fallbackLimits}`,
  );

async function fallbackWith(name: string, own: Settings, given: string): Promise<Candidate> {
  const { createFallback } = await load<{ createFallback(settings: Settings): unknown }>('ai-fallback');
  const sdk = await load<AiSdk>('ai');
  const models = await modelMaker();
  return {
    name,
    packages: versionsOf('ai-fallback', ...shared),
    given,
    open(setting) {
      const model = createFallback({ models: models(setting), ...own });
      const limit = oneOf(setting.patienceMs);
      const timeout = { totalMs: setting.patienceMs, firstChunkMs: limit, chunkMs: limit };
      return clientOf(
        (settings) => sdk.generateText({ ...settings, model, timeout: { totalMs: setting.patienceMs } }),
        (settings) => sdk.streamText({ ...settings, model, timeout }),
      );
    },
  };
}

interface RetryConditions {
  /** Matches failed attempts only; `switch` says which model is next. */
  error(predicate: (error: unknown) => boolean): { switch(next: Settings): unknown };
}

export async function aiRetryModel(): Promise<Candidate> {
  const { createRetryableModel, error } = await load<RetryConditions & { createRetryableModel(settings: Settings): unknown }>(
    'ai-retry/language-model',
  );
  const sdk = await load<AiSdk>('ai');
  const models = await modelMaker();
  return {
    name: 'ai-retry, model',
    packages: versionsOf('ai-retry', ...shared),
    given:
      "`createRetryableModel({ model: first, retries: [error((e) => e.statusCode !== 400).switch({ model: second, timeout: 5_000 })], reset: 'after-60-seconds' })`, `maxRetries: 0` as its README asks, `timeout: { totalMs: 5_000 }` for a chat (which it recovers from) and `{ stepMs: 5_000, firstChunkMs: 5_000, chunkMs: 5_000 }` for a stream (from which, as its README says, a model cannot recover)",
    open(setting) {
      const [first, second] = models(setting);
      const limit = oneOf(setting.patienceMs);
      const retries = [error(mayHelpElsewhere).switch({ model: second, timeout: limit })];
      const model = createRetryableModel({ model: first, retries, reset: 'after-60-seconds' });
      return clientOf(
        (settings) => sdk.generateText({ ...settings, model, maxRetries: 0, timeout: { totalMs: limit } }),
        (settings) => sdk.streamText({ ...settings, model, maxRetries: 0, timeout: piecesWithin(limit) }),
      );
    },
  };
}

export async function aiRetryCall(): Promise<Candidate> {
  type Generate = AiSdk['generateText'];
  type Stream = (settings: Settings) => Promise<Streamed>;
  const { experimental_retryableGenerateText: generate } = await load<{ experimental_retryableGenerateText: Generate }>(
    'ai-retry/generate-text',
  );
  const { experimental_retryableStreamText: stream } = await load<{ experimental_retryableStreamText: Stream }>('ai-retry/stream-text');
  const { error: chatError } = await load<RetryConditions>('ai-retry/generate-text/conditions');
  const { error: streamError } = await load<RetryConditions>('ai-retry/stream-text/conditions');
  const models = await modelMaker();
  return {
    name: 'ai-retry, call',
    packages: versionsOf('ai-retry', ...shared),
    given:
      '`experimental_retryableGenerateText` with `timeout: { totalMs: 5_000 }` and `experimental_retryableStreamText` with `{ stepMs: 5_000, firstChunkMs: 5_000, chunkMs: 5_000 }` (without `stepMs` a server that sends no headers hangs it), `retry: [error((e) => e.statusCode !== 400).switch({ model: second, timeout })]` with the same limits; `reset` is not among its settings',
    open(setting) {
      const [model, second] = models(setting);
      const limit = oneOf(setting.patienceMs);
      const whole = { totalMs: limit };
      const pieces = piecesWithin(limit);
      return clientOf(
        (settings) =>
          generate({ ...settings, model, timeout: whole, retry: [chatError(mayHelpElsewhere).switch({ model: second, timeout: whole })] }),
        (settings) =>
          stream({
            ...settings,
            model,
            timeout: pieces,
            retry: [streamError(mayHelpElsewhere).switch({ model: second, timeout: pieces })],
          }),
      );
    },
  };
}

async function modelMaker(): Promise<(setting: Setting) => [unknown, unknown]> {
  const { createOpenAICompatible } = await load<Compatible>('@ai-sdk/openai-compatible');
  const modelOf = (name: string, url: string, apiKey: string, model: string): unknown =>
    createOpenAICompatible({ name, baseURL: `${url}/v1`, apiKey }).chatModel(model);
  return ({ first, second, model }) => [
    modelOf('first', first.url, first.apiKey, model),
    modelOf('second', second.url, second.apiKey, model),
  ];
}

/** `fullStream` is read, because `textStream` drops failures without a word; whoever reads that one is told less. */
export function clientOf(
  generate: (settings: Settings) => Promise<Whole>,
  stream: (settings: Settings) => Streamed | Promise<Streamed>,
): Client {
  return {
    chat: async (prompt, abortSignal) => (await generate({ prompt, abortSignal })).text,
    async *stream(prompt, abortSignal) {
      for await (const part of (await stream({ prompt, abortSignal })).fullStream) {
        if (part.type === 'text-delta' && part.text) yield part.text;
        if (part.type === 'error') throw part.error;
        if (part.type === 'abort') throw new DOMException(`The stream told of an abort: ${String(part.reason)}`, 'AbortError');
      }
    },
    close: nothingToClose,
  };
}
