import { createHook } from 'node:async_hooks';
import type { Transport } from '../../src/lib/transport.ts';
import { costRequest, costRouter, streamedAnswer, wholeAnswer } from './cost-router.ts';

// What one chat and one streamed token leave behind, without a network: node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256

const tokens = 200;

const transport: Transport = { send: async ({ body }) => (body?.includes('"stream":true') ? streamedAnswer(tokens) : wholeAnswer) };
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
