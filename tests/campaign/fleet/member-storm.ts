import { setTimeout as sleep } from 'node:timers/promises';
import { type Adapter, type ChatRequest, createRouter, defineAdapter, RouterError, type StateStore } from '../../../src/index.ts';

export interface StormReport {
  /** Attempts that failed. */
  readonly failures: number;
  readonly lost: number;
  readonly ms: number;
  /** After a collection of garbage: how many failures there were by then, and the bytes in use. */
  readonly heap: readonly { readonly x: number; readonly y: number }[];
}

/**
 * `rests`: a server without room for anybody, whose every refusal is a rest of some milliseconds. `names`: one that fails, and callers who
 * name another model with every third call, so that one breaker after the other opens.
 */
export type StormKind = 'rests' | 'names';

/** What comes in at one moment, and how long it is until the next. Names leave the loop time to write, if it wanted to. */
const waves = { rests: { calls: 100, pauseMs: 10 }, names: { calls: 20, pauseMs: 1 } } as const;
const samples = 8;

/** Asks a server that fails, until it has failed so often, as fast as this process can, so that what there is to tell the store changes all the time. Another one answers. */
export async function playStorm(store: StateStore | undefined, kind: StormKind, wanted: number): Promise<StormReport> {
  const counts = { failures: 0, asked: 0, lost: 0 };
  const full = serverThat('full', async () => {
    counts.failures += 1;
    // As soon as an answer over a network could be there.
    await Promise.resolve();
    if (kind === 'names') throw new RouterError('unavailable', 'it is broken.', { status: 500 });
    throw new RouterError('rate_limited', 'it has no room.', { status: 429, retryAfterMs: 10 + (counts.failures % 10) });
  });
  const spare = serverThat('spare', () => Promise.resolve());
  await using router = createRouter({
    providers: {
      full: { type: 'custom', adapter: full, locality: 'lan' },
      spare: { type: 'custom', adapter: spare, locality: 'lan', priority: 1 },
    },
    // Without a rule for overload, so that rests alone never open it.
    breaker: 'classic',
    retry: { maxTokens: 1_000_000 },
    health: false,
    checkModels: false,
    pollMs: false,
    store,
  });
  const request = (): ChatRequest => {
    counts.asked += 1;
    return { model: kind === 'names' ? `m-${Math.floor(counts.asked / 3)}` : 'tiny', messages: [{ role: 'user', content: 'go' }] };
  };
  const heap: { x: number; y: number }[] = [];
  const startMs = performance.now();
  while (counts.failures < wanted) {
    const settled = await Promise.allSettled(Array.from({ length: waves[kind].calls }, () => router.chat(request())));
    counts.lost += settled.filter(({ status }) => status === 'rejected').length;
    await sleep(waves[kind].pauseMs);
    if (counts.failures >= (wanted * heap.length) / samples) heap.push({ x: counts.failures, y: collected() });
  }
  return { failures: counts.failures, lost: counts.lost, ms: performance.now() - startMs, heap };
}

function serverThat(name: string, does: () => Promise<void>): Adapter {
  return defineAdapter({
    name,
    modelName: 'optional',
    async chat({ model = 'tiny' }) {
      await does();
      const choices = [{ index: 0, message: { role: 'assistant' as const, content: 'well' }, finish_reason: 'stop' as const }];
      return { id: 'c', object: 'chat.completion', created: 1, model, choices };
    },
  });
}

function collected(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}
