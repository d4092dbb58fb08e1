import { Session } from 'node:inspector/promises';
import { costRequest, costRouter, wholeAnswer } from './cost-router.ts';

// What of each chat outlives the collection of new objects, though the chat is over: many at once, answered a turn of the loop later.

const atOnce = 32;
const each = 400;

const router = costRouter({ send: () => new Promise((resolve) => setImmediate(resolve, wholeAnswer)) });

async function chats(): Promise<void> {
  const one = async (): Promise<void> => {
    for (let count = 0; count < each; count++) await router.chat(costRequest);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

interface Site {
  readonly selfSize: number;
  readonly children: readonly Site[];
}
const sum = ({ selfSize, children }: Site): number => children.reduce((total, child) => total + sum(child), selfSize);

await chats();
globalThis.gc?.();
const session = new Session();
session.connect();
// Only what the collection of new objects has taken is left out.
const options = { samplingInterval: 512, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: false };
await session.post('HeapProfiler.startSampling', options);
await chats();
const { profile } = await session.post('HeapProfiler.stopSampling');
console.log(JSON.stringify({ survivingBytes: sum(profile.head) / atOnce / each }));
await router.close();
