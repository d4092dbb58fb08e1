import { Session } from 'node:inspector/promises';
import { costRequest, costRouter, streamedAnswer, wholeAnswer } from './cost-router.ts';

// What of a call outlives the collection of new objects, though the call is over: many at once, answered a turn of the loop later.

const atOnce = 8;

const router = costRouter({
  send: ({ body }) =>
    new Promise((resolve) => setImmediate(() => resolve(body?.includes('"stream":true') ? streamedAnswer(5) : wholeAnswer))),
});

const chat = async (): Promise<void> => void (await router.chat(costRequest));
async function stream(): Promise<void> {
  for await (const chunk of await router.stream(costRequest)) void chunk;
}

interface Site {
  readonly selfSize: number;
  readonly children: readonly Site[];
}
const sum = ({ selfSize, children }: Site): number => children.reduce((total, child) => total + sum(child), selfSize);

async function survivingBytes(work: () => Promise<void>, each: number): Promise<number> {
  const one = async (): Promise<void> => {
    for (let count = 0; count < each; count++) await work();
  };
  const all = (): Promise<unknown> => Promise.all(Array.from({ length: atOnce }, one));
  await all();
  globalThis.gc?.();
  const session = new Session();
  session.connect();
  // Only what the collection of new objects has taken is left out.
  const options = { samplingInterval: 512, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: false };
  await session.post('HeapProfiler.startSampling', options);
  await all();
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  return sum(profile.head) / atOnce / each;
}

console.log(JSON.stringify({ chat: await survivingBytes(chat, 1_600), stream: await survivingBytes(stream, 800) }));
await router.close();
