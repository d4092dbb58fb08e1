import { setTimeout as pause } from 'node:timers/promises';
import {
  type Adapter,
  type Call,
  type ChatAnswer,
  type ChatChunk,
  type ChatRequest,
  defineAdapter,
  type LoadReport,
  type ModelInfo,
  type RouterError,
  type Usage,
} from '../../src/index.ts';

/** What a provider does now; tests change it while somebody watches. */
export interface Behaviour {
  /** It fails with this; otherwise it answers. */
  failure: RouterError | undefined;
  /** The pieces of its answer; each counts as four tokens. */
  pieces: readonly string[];
  /** Before the first piece, and between two. */
  firstMs: number;
  pieceMs: number;
  version: string | undefined;
  /** What its health check fails with. */
  sick: RouterError | undefined;
  models: readonly ModelInfo[];
  load: LoadReport;
}

export interface ScriptedProvider {
  readonly adapter: Adapter;
  readonly does: Behaviour;
  /** Of every call that reached it. */
  readonly prompts: readonly string[];
}

export function scriptedProvider(given: Partial<Behaviour> = {}): ScriptedProvider {
  const usual = { failure: undefined, pieces: ['ok'], firstMs: 0, pieceMs: 0, version: undefined, sick: undefined, models: [], load: {} };
  const does: Behaviour = { ...usual, ...given };
  const prompts: string[] = [];
  const reach = async ({ request, signal }: Call<ChatRequest>): Promise<void> => {
    prompts.push(String(request.messages[0]?.content));
    await pause(does.firstMs, undefined, { signal });
    if (does.failure !== undefined) throw does.failure;
  };
  const adapter = defineAdapter({
    name: 'scripted',
    modelName: 'optional',
    async chat(call) {
      await reach(call);
      return answerOf(does);
    },
    async stream(call) {
      await reach(call);
      return piecesOf(does, call.signal);
    },
    models: async () => does.models,
    async health() {
      if (does.sick !== undefined) throw does.sick;
      return { state: 'ok', ...(does.version !== undefined && { version: does.version }) };
    },
    load: async () => does.load,
  });
  return { adapter, does, prompts };
}

function usageOf({ pieces }: Behaviour): Usage {
  const written = pieces.length * 4;
  return { prompt_tokens: 8, completion_tokens: written, total_tokens: 8 + written };
}

function answerOf(does: Behaviour): ChatAnswer {
  const message = { role: 'assistant' as const, content: does.pieces.join('') };
  const choices = [{ index: 0, message, finish_reason: 'stop' as const }];
  return { id: 'c', object: 'chat.completion', created: 1, model: 'scripted', choices, usage: usageOf(does) };
}

async function* piecesOf(does: Behaviour, signal: AbortSignal): AsyncGenerator<readonly ChatChunk[], void> {
  const usage = usageOf(does);
  for (const [index, content] of does.pieces.entries()) {
    if (index > 0) await pause(does.pieceMs, undefined, { signal });
    yield [chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })];
  }
  yield [chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }), chunk({ choices: [], usage })];
}

function chunk(given: Pick<ChatChunk, 'choices'> & { readonly usage?: Usage }): ChatChunk {
  return { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'scripted', ...given };
}
