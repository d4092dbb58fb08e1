import type { ChatMessage, ChatRequest, ProviderOptions, Router, RouterOptions } from '../../../src/index.ts';

// What a block of any page may take for granted: each function makes the value of its name, anew for each block that uses it.

/** `createRouter()`, which remembers what it made. */
export type Create = (options?: RouterOptions) => Router;

export function providers(): Record<string, ProviderOptions> {
  return {
    gpu: { type: 'ollama', url: 'http://127.0.0.1:11434', device: 'gpu' },
    cpu: { type: 'ollama', url: 'http://127.0.0.1:11435', device: 'cpu' },
    openai: { type: 'openai', apiKey: 'key-of-the-docs' },
  };
}

export function options(): RouterOptions {
  return { providers: providers() };
}

export function router(create: Create): Router {
  return create(options());
}

export function messages(): ChatMessage[] {
  return [{ role: 'user', content: 'Hello!' }];
}

export function request(): ChatRequest {
  return { model: 'llama3.1', messages: messages() };
}

export function signal(): AbortSignal {
  return new AbortController().signal;
}

export function conversation(): { readonly id: string } {
  return { id: 'conversation-7' };
}
