import { createHook } from 'node:async_hooks';
import { createRouter } from '../../src/router/create-router.ts';
import type { Transport, TransportResponse } from '../../src/lib/transport.ts';
import { event, finish } from './openai-bytes.ts';

// What one chat and one streamed token leave behind, without a network: node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256

const answer = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
});
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const token = bytesOf(event(' word'));
const last = bytesOf(finish);

const tokens = 200;

/** One token for each read, as a model gives them. */
function streamed(): TransportResponse {
  let left = tokens;
  const read = async (): Promise<Uint8Array | undefined> => {
    left -= 1;
    return left > 0 ? token : left === 0 ? last : undefined;
  };
  return { status: 200, header: () => null, body: { read, cancel: () => undefined }, text: async () => '' };
}

const whole: TransportResponse = {
  status: 200,
  header: (name) => (name === 'content-length' ? String(answer.length) : null),
  body: null,
  text: async () => answer,
};

const transport: Transport = { send: async ({ body }) => (body?.includes('"stream":true') ? streamed() : whole) };
const router = createRouter({
  providers: { box: { type: 'vllm', url: 'http://127.0.0.1:8000' } },
  transport,
  health: false,
  pollMs: false,
  checkModels: false,
});
const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Say something short.' }] };

const chat = async (): Promise<void> => void (await router.chat(request));
async function stream(): Promise<void> {
  for await (const chunk of await router.stream(request)) void chunk;
}

interface Cost {
  readonly bytes: number;
  readonly promises: number;
}

/** Of one of `times`, of which each is `units`. */
async function costOf(work: () => Promise<void>, times: number, units: number): Promise<Cost> {
  for (let time = 0; time < times; time++) await work();
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let time = 0; time < times; time++) await work();
  const bytes = process.memoryUsage().heapUsed - before;
  let promises = 0;
  const hook = createHook({ init: (_id, type) => void (promises += type === 'PROMISE' ? 1 : 0) }).enable();
  for (let time = 0; time < times; time++) await work();
  hook.disable();
  return { bytes: bytes / times / units, promises: promises / times / units };
}

console.log(JSON.stringify({ chat: await costOf(chat, 3_000, 1), token: await costOf(stream, 100, tokens) }));
await router.close();
