import type { AdapterContext } from '../src/adapters/context.ts';
import { adapters } from '../src/adapters/registry.ts';
import type { Adapter } from '../src/core/adapter.ts';
import type { Feature } from '../src/core/capabilities.ts';
import { type ProviderType, providerTypes } from '../src/core/provider-types.ts';
import { adapterContext } from '../tests/_kit/adapter-context.ts';
import { table } from './markdown-table.ts';

export const verbs = ['chat', 'embed', 'models', 'health', 'load'] as const;

export const features: Readonly<Record<Feature, string>> = {
  tools: 'tools',
  toolChoice: 'tool choice',
  vision: 'images',
  jsonObject: 'JSON',
  jsonSchema: 'JSON Schema',
  logprobs: 'logprobs',
  logitBias: 'logit bias',
  choices: '`n`',
  reasoningEffort: 'reasoning effort',
  dimensions: 'dimensions',
  prefill: 'prefill',
};

export const modelNames: Readonly<Record<Adapter['modelName'], string>> = {
  required: 'needed',
  optional: 'or its own',
  ignored: 'always its own',
};

const intro = `<!-- Written by scripts/write-reference.ts. -->

# Backends

What each adapter can do, as it declares it. The router reads the same declarations: a request that uses a feature is never sent to a
provider without it, and the [conformance suite](conformance.md) holds every adapter to what it says. A model may
be able to do less than its server; where the server says so (Ollama, LM Studio), that counts as well.
`;

const verbsIntro = `"Model" is what becomes of the model's name: \`needed\` in every call, the server's own where the call names none, or always the server's own.
Chats come whole and as streams everywhere.
`;

const featuresIntro = `"Prefill" is no feature of a request: it says that the server goes on with an answer whose beginning it is given, so that another
provider can finish a stream that broke off. Servers before these do not: vLLM 0.6.4, TGI 3.0, SGLang of March 2025, llama.cpp of May 2025.
`;

const ignoredIntro = `A parameter of a request that a server has no place for is left out, and \`config:warning\` says so once; with
\`onIgnoredParameter: 'refuse'\` such a provider is no candidate. Everything else that a request can hold reaches the server.
`;

/** docs/reference/backends.md */
export function backendsPage(): string {
  const all = (Object.keys(providerTypes) as ProviderType[]).map((type) => ({ type, ...examplesOf(type) }));
  const rowsOf = (cells: (adapter: Adapter) => readonly string[]): string[][] =>
    all.flatMap(({ type, made }) => made.map(({ label, adapter }) => [`\`${type}\`${label}`, ...cells(adapter)]));
  return [
    intro,
    '## Verbs\n',
    table(
      ['Type', ...verbs, 'Model'],
      rowsOf((adapter) => [...verbs.map((verb) => mark(has(adapter, verb))), modelNames[adapter.modelName]]),
    ),
    verbsIntro,
    '## Features\n',
    table(
      ['Type', ...Object.values(features)],
      rowsOf(({ capabilities }) => (Object.keys(features) as Feature[]).map((feature) => mark(capabilities[feature]))),
    ),
    featuresIntro,
    '## Parameters that are left out\n',
    table(
      ['Type', 'Parameters'],
      rowsOf(({ chats, ignores }) => [chats ? ignores.map((name) => `\`${name}\``).join(', ') : 'does not chat']),
    ),
    ignoredIntro,
  ].join('\n');
}

export interface Example {
  /** What is set beside the type. */
  readonly label: string;
  readonly adapter: Adapter;
}

/** What some adapters can do depends on their options, so these are shown with each. */
export function examplesOf(type: ProviderType): { readonly made: readonly Example[] } {
  const make = (label: string, options: Partial<AdapterContext> = {}): Example => ({
    label,
    adapter: adapters[type](adapterContext('http://127.0.0.1', type, options)),
  });
  if (type === 'cpu')
    return { made: [make(' with `modelPath`', { modelPath: 'm.gguf' }), make(' with an embedding model', { embeddingModel: 'm' })] };
  if (type !== 'remote-gpu') return { made: [make('')] };
  return { made: (['notebook', 'proxy', 'tgi'] as const).map((dialect) => make(`, \`${dialect}\``, { dialect })) };
}

export function has(adapter: Adapter, verb: (typeof verbs)[number]): boolean {
  return verb === 'chat' ? adapter.chats : adapter[verb] !== undefined;
}

function mark(is: boolean): string {
  return is ? '✓' : '';
}
