import { beforeAll, expect, test } from 'vitest';
import { createRouter, isRouterError, type ProviderOptions } from '../../src/index.ts';
import { errorsIn } from '../_kit/compiled-modules.ts';
import { withSortedUnions } from './compiler.ts';

// The commonest mistakes, and what the compiler says of each. Its words are part of what the types are worth.

const start = `import { createRouter } from 'inferlane';
const router = createRouter({
  providers: { gpu: { type: 'ollama' }, cpu: { type: 'ollama', url: 'http://127.0.0.1:11435' } },
  models: { 'llama3.1': { gpu: 'llama3.1:8b' } },
});
`;

const mistakes = {
  'a type of provider that there is not': `createRouter({ providers: { gpu: { type: 'olama' } } });`,
  'an option of a provider, misspelt': `createRouter({ providers: { gpu: { type: 'vllm', ulr: 'http://gpu-box:8000' } } });`,
  'an option of the router, misspelt': `createRouter({ providers: { gpu: { type: 'ollama' } }, deadlineMS: 5_000 });`,
  'providers, misspelt': `createRouter({ provider: { gpu: { type: 'ollama' } } });`,
  'a provider that is no object': `createRouter({ providers: { gpu: 'http://127.0.0.1:11434' } });`,
  'an alias for a provider that there is not': `createRouter({ providers: { gpu: { type: 'ollama' } }, models: { a: { gpi: 'b' } } });`,
  'an intent that there is not': `void router.chat({ messages: [] }, { intent: 'fats' });`,
  'a role that there is not': `void router.chat({ messages: [{ role: 'bot', content: 'Hello!' }] });`,
  'messages, left out': `void router.chat({ model: 'llama3.1' });`,
  'messages, left out of a stream': `void router.stream({ model: 'llama3.1' });`,
  'a stream that is not awaited': `for await (const chunk of router.stream({ messages: [] })) chunk;`,
  'an answer that is not awaited': `router.chat({ messages: [] }).choices;`,
  'a provider to go without that there is not': `void router.stream({ messages: [] }, { without: ['gpi'] });`,
  'a provider that there is not': `void router.stream({ messages: [] }, { provider: 'gpi' });`,
  'a provider out of a variable': `void router.stream({ messages: [] }, { provider: String(process.env['PROVIDER']) });`,
  'an event that there is not': `router.on('failovr', () => undefined);`,
  'a field of an event that there is not': `router.on('failover', ({ provider }) => provider);`,
  'the controller in the place of its signal': `void router.stream({ messages: [] }, { signal: new AbortController() });`,
  'a deadline in words': `void router.stream({ messages: [] }, { deadlineMs: '5s' });`,
  'a deadline, misspelt': `void router.stream({ messages: [] }, { deadline: 5_000 });`,
} as const;

const names = Object.keys(mistakes) as (keyof typeof mistakes)[];
const words = new Map<string, string>();
beforeAll(() => {
  const modules = names.map((name, number) => [`mistake-${number}.ts`, `${start}${mistakes[name]}`] as const);
  const errors = errorsIn(Object.fromEntries(modules), { inferlane: 'index.ts' });
  names.forEach((name, number) => words.set(name, withSortedUnions((errors[number] ?? []).join('\n'))));
}, 60_000);

test('the compiler says what is wrong, in a few lines', () => {
  expect(names.map((name) => `# ${name}\n${words.get(name)}`).join('\n\n')).toMatchInlineSnapshot(`
    "# a type of provider that there is not
    Type '"olama"' is not assignable to type 'ProviderType | "custom"'. Did you mean '"ollama"'?

    # an option of a provider, misspelt
    Object literal may only specify known properties, and 'ulr' does not exist in type 'ProviderOptions'.

    # an option of the router, misspelt
    Object literal may only specify known properties, but 'deadlineMS' does not exist in type 'RouterOptions & OptionNames<"gpu", string, "fast">'. Did you mean to write 'deadlineMs'?

    # providers, misspelt
    Object literal may only specify known properties, but 'provider' does not exist in type 'RouterOptions & OptionNames<string, string, string>'. Did you mean to write 'providers'?

    # a provider that is no object
    Type 'string' is not assignable to type 'ProviderOptions'.

    # an alias for a provider that there is not
    Object literal may only specify known properties, and 'gpi' does not exist in type '{ readonly gpu?: string; }'.

    # an intent that there is not
    No overload matches this call.
      Overload 1 of 2, '(request: ChatRequest<"llama3.1" | (string & {})>, options?: CallOptions<"cpu" | "gpu", "fast" | "heavy"> | undefined): Promise<ChatCompletion>', gave the following error.
        Type '"fats"' is not assignable to type '"fast" | "heavy" | undefined'.
      Overload 2 of 2, '(request: SchemaRequest<unknown, "llama3.1" | (string & {})>, options?: CallOptions<"cpu" | "gpu", "fast" | "heavy"> | undefined): Promise<ParsedCompletion<unknown>>', gave the following error.
        Argument of type '{ messages: never[]; }' is not assignable to parameter of type 'SchemaRequest<unknown, "llama3.1" | (string & {})>'.
          Property 'response_format' is missing in type '{ messages: never[]; }' but required in type 'SchemaRequest<unknown, "llama3.1" | (string & {})>'.

    # a role that there is not
    No overload matches this call.
      Overload 1 of 2, '(request: ChatRequest<"llama3.1" | (string & {})>, options?: CallOptions<"cpu" | "gpu", "fast" | "heavy"> | undefined): Promise<ChatCompletion>', gave the following error.
        Type '"bot"' is not assignable to type 'Role'.
      Overload 2 of 2, '(request: SchemaRequest<unknown, "llama3.1" | (string & {})>, options?: CallOptions<"cpu" | "gpu", "fast" | "heavy"> | undefined): Promise<ParsedCompletion<unknown>>', gave the following error.
        Type '"bot"' is not assignable to type 'Role'.

    # messages, left out
    No overload matches this call.
      Overload 1 of 2, '(request: ChatRequest<"llama3.1" | (string & {})>, options?: CallOptions<"cpu" | "gpu", "fast" | "heavy"> | undefined): Promise<ChatCompletion>', gave the following error.
        Argument of type '{ model: "llama3.1"; }' is not assignable to parameter of type 'ChatRequest<"llama3.1" | (string & {})>'.
          Property 'messages' is missing in type '{ model: "llama3.1"; }' but required in type 'ChatRequest<"llama3.1" | (string & {})>'.
      Overload 2 of 2, '(request: SchemaRequest<unknown, "llama3.1" | (string & {})>, options?: CallOptions<"cpu" | "gpu", "fast" | "heavy"> | undefined): Promise<ParsedCompletion<unknown>>', gave the following error.
        Argument of type '{ model: "llama3.1"; }' is not assignable to parameter of type 'SchemaRequest<unknown, "llama3.1" | (string & {})>'.
          Type '{ model: "llama3.1"; }' is missing the following properties from type 'SchemaRequest<unknown, "llama3.1" | (string & {})>': response_format, messages

    # messages, left out of a stream
    Argument of type '{ model: "llama3.1"; }' is not assignable to parameter of type 'ChatRequest<"llama3.1" | (string & {})>'.
      Property 'messages' is missing in type '{ model: "llama3.1"; }' but required in type 'ChatRequest<"llama3.1" | (string & {})>'.

    # a stream that is not awaited
    Type 'Promise<ChatStream>' must have a '[Symbol.asyncIterator]()' method that returns an async iterator.

    # an answer that is not awaited
    Property 'choices' does not exist on type 'Promise<ChatCompletion>'.

    # a provider to go without that there is not
    Type '"gpi"' is not assignable to type '"cpu" | "gpu"'.

    # a provider that there is not
    Type '"gpi"' is not assignable to type '"cpu" | "gpu" | undefined'.

    # a provider out of a variable
    Type 'string' is not assignable to type '"cpu" | "gpu" | undefined'.

    # an event that there is not
    Argument of type '"failovr"' is not assignable to parameter of type 'keyof RouterEvents<string>'.

    # a field of an event that there is not
    Property 'provider' does not exist on type 'ForRequest & { readonly from: "cpu" | "gpu"; readonly to: "cpu" | "gpu"; readonly model: string | undefined; readonly reason: string; readonly phase: string | undefined; }'.

    # the controller in the place of its signal
    Type 'AbortController' is missing the following properties from type 'AbortSignal': aborted, onabort, reason, throwIfAborted, and 3 more.

    # a deadline in words
    Type 'string' is not assignable to type 'number'.

    # a deadline, misspelt
    Object literal may only specify known properties, but 'deadline' does not exist in type 'CallOptions<"cpu" | "gpu", "fast" | "heavy">'. Did you mean to write 'deadlineMs'?"
  `);
});

// chat() takes two kinds of requests, and the compiler says of both why this is none.
test.each(names)('%s: seven lines at most', (name) => {
  expect(words.get(name)?.split('\n').length).toBeLessThanOrEqual(7);
});

// What a provider needs depends on its type and on what the environment holds, so the router says it, and the compiler nothing.
const needy = {
  'an address, left out': { type: 'openai-compatible' },
  'a key, left out': { type: 'openai' },
  'an adapter, left out': { type: 'custom' },
} as const satisfies Readonly<Record<string, ProviderOptions>>;

test('the router says what is missing when it is made', () => {
  const told = Object.entries(needy).map(
    ([name, provider]) => `# ${name}\n${refusalOf(() => createRouter({ providers: { mine: provider } }))}`,
  );
  expect(told.join('\n\n')).toMatchInlineSnapshot(`
    "# an address, left out
    The configuration has 1 issue:
      providers.mine.url: is missing: a provider of type "openai-compatible" has no usual address

    # a key, left out
    The configuration has 1 issue:
      providers.mine.apiKey: is missing: OpenAI needs a key; set apiKey, or OPENAI_API_KEY where the options come from the environment

    # an adapter, left out
    The configuration has 1 issue:
      providers.mine.adapter: is missing: a custom provider needs an adapter, made by defineAdapter()"
  `);
});

function refusalOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (isRouterError(error, 'invalid_config')) return error.message;
    throw error;
  }
  return 'nothing';
}
