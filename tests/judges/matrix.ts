import manifest from '../../package.json' with { type: 'json' };

export const checks = ['chat', 'stream', 'tools loop', 'json_schema', 'embeddings', 'abort', 'errors'] as const;

export type Check = (typeof checks)[number];

export type Client = (typeof clients)[number];

export const clients = [
  'openai',
  'ollama',
  '@anthropic-ai/sdk',
  '@ai-sdk/openai-compatible',
  '@langchain/openai',
  '@huggingface/inference',
] as const;

/** What is not asked of a client, and why; everything else is. */
export const notAsked: Readonly<Partial<Record<Client, Readonly<Partial<Record<Check, string>>>>>> = {
  '@anthropic-ai/sdk': { embeddings: 'the API has none' },
  '@huggingface/inference': { embeddings: 'it asks for them by an API of its own' },
};

export const versions: Readonly<Record<Client, string>> = manifest.devDependencies;
