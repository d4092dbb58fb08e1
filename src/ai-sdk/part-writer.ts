import type { LanguageModelV4StreamPart, SharedV4ProviderMetadata } from '@ai-sdk/provider';
import type { ChatChunk, FinishReason, RouteTrace, ThinkingBlock, ToolCallDelta, Usage } from '../index.ts';
import { finishReasonOf, metadataOf, responseOf, signed, usageOf } from './answer.ts';

/** Makes the AI SDK's parts of our chunks, in the order that it wants: every part that is begun is ended before another begins. */
export interface PartWriter {
  add(chunk: ChatChunk): LanguageModelV4StreamPart[];
  /** The end of a whole answer. */
  finish(route: RouteTrace): LanguageModelV4StreamPart[];
  /** The end of one that broke. Tool calls are not told: half of a call must not be carried out. */
  fail(error: unknown, route: RouteTrace): LanguageModelV4StreamPart[];
}

interface CallUnderWay {
  id: string;
  name: string;
  input: string;
  isBegun: boolean;
}

export function createPartWriter(): PartWriter {
  const prose = createProse();
  const calls = new Map<number, CallUnderWay>();
  let isIntroduced = false;
  let isRefused = false;
  let reason: FinishReason | undefined;
  let usage: Usage | undefined;

  const end = (finishReason: ReturnType<typeof finishReasonOf>, route: RouteTrace): LanguageModelV4StreamPart => ({
    type: 'finish',
    finishReason,
    usage: usageOf(usage),
    providerMetadata: metadataOf(route),
  });
  return {
    add(chunk) {
      const parts: LanguageModelV4StreamPart[] = [];
      if (!isIntroduced && chunk.inferlane === undefined) {
        isIntroduced = true;
        parts.push({ type: 'response-metadata', ...responseOf(chunk) });
      }
      if (chunk.usage) usage = chunk.usage;
      const choice = chunk.choices.find(({ index }) => index === 0);
      if (choice === undefined) return parts;
      const { reasoning_content: thought, thinking_blocks: blocks, content, refusal, tool_calls: deltas } = choice.delta;
      reason ??= choice.finish_reason ?? undefined;
      if (thought) parts.push(...prose.write('reasoning', thought));
      if (blocks !== undefined && blocks.length > 0) parts.push(...prose.sign(blocks));
      if (content) parts.push(...prose.write('text', content));
      if (refusal) {
        isRefused = true;
        parts.push(...prose.write('text', refusal));
      }
      if (deltas !== undefined && deltas.length > 0) parts.push(...prose.end(), ...deltas.flatMap((delta) => addCall(calls, delta)));
      return parts;
    },
    finish: (route) => [
      ...prose.end(),
      ...[...calls.values()].flatMap(endCall),
      end(finishReasonOf(reason ?? 'unknown', isRefused), route),
    ],
    fail: (error, route) => [{ type: 'error', error }, ...prose.end(), end({ unified: 'error', raw: undefined }, route)],
  };
}

type Prose = 'text' | 'reasoning';

/** Text and thoughts, of which one at a time is open. */
function createProse() {
  let open: { readonly kind: Prose; readonly id: string } | undefined;
  let count = 0;
  const end = (metadata: { providerMetadata?: SharedV4ProviderMetadata } = {}): LanguageModelV4StreamPart[] => {
    if (open === undefined) return [];
    const { kind, id } = open;
    open = undefined;
    return [{ type: `${kind}-end`, id, ...metadata }];
  };
  const begin = (kind: Prose): LanguageModelV4StreamPart[] => {
    if (open?.kind === kind) return [];
    const before = end();
    open = { kind, id: String(count++) };
    return [...before, { type: `${kind}-start`, id: open.id }];
  };
  return {
    end: (): LanguageModelV4StreamPart[] => end(),
    write: (kind: Prose, delta: string): LanguageModelV4StreamPart[] => [
      ...begin(kind),
      { type: `${kind}-delta`, id: open?.id ?? '', delta },
    ],
    /** Blocks come when they have ended, some of them without a word that could be read. */
    sign: (blocks: readonly ThinkingBlock[]): LanguageModelV4StreamPart[] => [...begin('reasoning'), ...end(signed(blocks))],
  };
}

function addCall(calls: Map<number, CallUnderWay>, delta: ToolCallDelta): LanguageModelV4StreamPart[] {
  const call = calls.get(delta.index) ?? { id: '', name: '', input: '', isBegun: false };
  calls.set(delta.index, call);
  // Some servers repeat id and name on every delta.
  call.id ||= delta.id ?? '';
  call.name ||= delta.function?.name ?? '';
  const piece = delta.function?.arguments ?? '';
  call.input += piece;
  if (call.isBegun) return piece === '' ? [] : [{ type: 'tool-input-delta', id: call.id, delta: piece }];
  return call.id === '' || call.name === '' ? [] : beginCall(call);
}

function beginCall(call: CallUnderWay): LanguageModelV4StreamPart[] {
  call.isBegun = true;
  const { id, name: toolName, input } = call;
  return [{ type: 'tool-input-start', id, toolName }, ...(input === '' ? [] : [{ type: 'tool-input-delta' as const, id, delta: input }])];
}

function endCall(call: CallUnderWay): LanguageModelV4StreamPart[] {
  const { id, name: toolName, input } = call;
  return [...(call.isBegun ? [] : beginCall(call)), { type: 'tool-input-end', id }, { type: 'tool-call', toolCallId: id, toolName, input }];
}
