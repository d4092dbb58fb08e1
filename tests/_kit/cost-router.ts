import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import type { Transport, TransportResponse } from '../../src/lib/transport.ts';
import { event, finish } from './openai-bytes.ts';

// What the programs that count a call's cost have in common: a router without a network.

const text = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
});

export const wholeAnswer: TransportResponse = {
  status: 200,
  header: (name) => (name === 'content-length' ? String(text.length) : null),
  body: null,
  text: async () => text,
};

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const token = bytesOf(event(' word'));
const last = bytesOf(finish);

/** One token for each read, as a model gives them. */
export function streamedAnswer(tokens: number): TransportResponse {
  let left = tokens;
  const read = async (): Promise<Uint8Array | undefined> => {
    left -= 1;
    return left > 0 ? token : left === 0 ? last : undefined;
  };
  return { status: 200, header: () => null, body: { read, cancel: () => undefined }, text: async () => '' };
}

export const costRequest: ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'Say something short.' }] };

export function costRouter(transport: Transport): Router {
  const providers = { box: { type: 'vllm' as const, url: 'http://127.0.0.1:8000' } };
  return createRouter({ providers, transport, health: false, pollMs: false, checkModels: false });
}
