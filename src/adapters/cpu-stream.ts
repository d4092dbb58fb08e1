import type { Call } from '../core/adapter.ts';
import type { ChatRequest, ChunkBatches } from '../core/types.ts';
import { orAborted } from '../lib/abort.ts';
import { type ChatPlan, chunkMaker, planChat, runChat } from './cpu-chat.ts';
import type { ChatEngine, CpuModels } from './cpu-models.ts';
import { createOutbox, type Outbox } from './cpu-outbox.ts';
import { createStopper, type Stopper } from './cpu-stopper.ts';
import type { Turns } from './cpu-turns.ts';

export interface ChatParts {
  readonly provider: string;
  /** The model's name in answers. */
  readonly model: string;
  readonly models: CpuModels;
  readonly turns: Turns;
  readonly closing: AbortSignal;
}

/**
 * Resolves when the model is loaded, it is this call's turn and the prompt fits; the generation has begun by then. It goes on
 * without being read, but never beyond the context window, so what waits for a slow reader is bounded.
 */
export async function streamChat(call: Call<ChatRequest>, parts: ChatParts): Promise<ChunkBatches> {
  const { provider, models, turns, closing } = parts;
  const stopper = createStopper([call.signal, closing]);
  let endTurn: (() => void) | undefined;
  try {
    await orAborted(models.chat(), stopper.signal);
    endTurn = await turns.take(stopper.signal);
    // Asked again: the call before may have had to discard its context.
    const engine = await orAborted(models.chat(), stopper.signal);
    const plan = await planChat(call.request, engine, provider);
    stopper.signal.throwIfAborted();
    const outbox = createOutbox(stopper.stop);
    // The reader is told at once; the library stops a token later.
    stopper.signal.addEventListener('abort', () => outbox.abort(stopper.signal.reason), { once: true });
    void generate({ call, parts, plan, engine, outbox, stopper }).then(endTurn);
    return outbox.batches;
  } catch (error) {
    endTurn?.();
    stopper.dispose();
    throw error;
  }
}

interface Generation {
  readonly call: Call<ChatRequest>;
  readonly parts: ChatParts;
  readonly plan: ChatPlan;
  readonly engine: ChatEngine;
  readonly outbox: Outbox;
  readonly stopper: Stopper;
}

/** Never rejects: what goes wrong reaches the reader. When it settles, nothing of the call is left in the context. */
async function generate({ call, parts, plan, engine, outbox, stopper }: Generation): Promise<void> {
  const { models, model } = parts;
  const chunks = chunkMaker(call, model);
  let isBroken = false;
  try {
    const end = await runChat(plan, engine, stopper.signal, (delta) => outbox.push(chunks.delta(delta)));
    for (const chunk of chunks.end(end)) outbox.push(chunk);
    outbox.end();
  } catch (error) {
    isBroken = !stopper.signal.aborted;
    outbox.fail(isBroken ? models.failure(error) : stopper.signal.reason);
  } finally {
    stopper.dispose();
    await clean(engine, models, isBroken);
  }
}

async function clean({ sequence }: ChatEngine, models: CpuModels, isBroken: boolean): Promise<void> {
  try {
    if (isBroken) await models.discardChat();
    else await sequence.clearHistory();
  } catch {
    await models.discardChat().catch(() => undefined);
  }
}
