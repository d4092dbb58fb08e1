import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import type { Transport, TransportResponse } from '../../src/lib/transport.ts';

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

export const costRequest: ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'Say something short.' }] };

export function costRouter(transport: Transport): Router {
  const providers = { box: { type: 'vllm' as const, url: 'http://127.0.0.1:8000' } };
  return createRouter({ providers, transport, health: false, pollMs: false, checkModels: false });
}
