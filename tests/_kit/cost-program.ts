import { createHook } from 'node:async_hooks';
import type { Transport, TransportResponse } from '../../src/lib/transport.ts';
import { costRequest, costRouter, wholeAnswer } from './cost-router.ts';
import { event, finish } from './openai-bytes.ts';

// What one chat and one streamed token leave behind, without a network: node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256

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

const transport: Transport = { send: async ({ body }) => (body?.includes('"stream":true') ? streamed() : wholeAnswer) };
const router = costRouter(transport);

const chat = async (): Promise<void> => void (await router.chat(costRequest));
async function stream(): Promise<void> {
  for await (const chunk of await router.stream(costRequest)) void chunk;
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
