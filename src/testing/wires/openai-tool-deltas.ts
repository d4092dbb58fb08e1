import type { Fields } from './fields.ts';
import type { SceneCall } from './scene.ts';

/** The pieces in which a server streams one tool call: each the one entry of a delta's `tool_calls`. */
export type ToolDeltas = (call: SceneCall, index: number) => readonly Fields[];

/** OpenAI, vLLM, LM Studio, Together: the name comes first with empty arguments, then the arguments in pieces. */
export const namedFirst: ToolDeltas = (call, index) => [
  { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } },
  ...argumentPieces(call.arguments).map((piece) => ({ index, function: { arguments: piece } })),
];

/** llama.cpp: the first piece of the arguments comes with the name. */
export const namedWithArguments: ToolDeltas = (call, index) =>
  argumentPieces(call.arguments).map((piece, at) =>
    at === 0
      ? { index, id: call.id, type: 'function', function: { name: call.name, arguments: piece } }
      : { index, function: { arguments: piece } },
  );

/** SGLang serialises every field: later pieces carry null for the identity and the name. */
export const withNulls: ToolDeltas = (call, index) => [
  { id: call.id, index, type: 'function', function: { name: call.name, arguments: '' } },
  ...argumentPieces(call.arguments).map((piece) => ({ id: null, index, type: 'function', function: { name: null, arguments: piece } })),
];

/** TGI repeats the identity, the type and the name with every piece. */
export const repeated: ToolDeltas = (call, index) =>
  argumentPieces(call.arguments).map((piece) => ({
    index,
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: piece },
  }));

/** text-generation-webui: the whole call at once, its fields in the order of the server. */
export const whole: ToolDeltas = (call, index) => [
  { type: 'function', function: { name: call.name, arguments: call.arguments }, id: call.id, index },
];

/** In three pieces of whole characters, or fewer. */
function argumentPieces(text: string): readonly string[] {
  const characters = [...text];
  const length = Math.max(1, Math.ceil(characters.length / 3));
  const starts = Array.from({ length: Math.ceil(characters.length / length) }, (_, at) => at * length);
  return starts.map((start) => characters.slice(start, start + length).join(''));
}
