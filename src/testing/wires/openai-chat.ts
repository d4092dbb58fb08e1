import { type Exchange, jsonExchange } from '../wire.ts';
import type { Fields } from './fields.ts';
import { logprobsOf, type WriteLogprobs } from './openai-logprobs.ts';
import type { ToolDeltas } from './openai-tool-deltas.ts';
import { piecesOf, type Scene } from './scene.ts';

/** What a server puts around the choices of an answer, or of a chunk of one. */
export interface Framed {
  readonly object: 'chat.completion' | 'chat.completion.chunk';
  readonly choices: readonly Fields[];
  /** Undefined: no such field. */
  readonly usage: Fields | null | undefined;
  /** The last chunk before the terminator, or a whole answer. */
  readonly isLast: boolean;
}

/** A message, or a change of one. */
interface Said {
  readonly role?: 'assistant' | undefined;
  readonly content?: string | null | undefined;
  readonly reasoning?: string | undefined;
  readonly toolCalls?: readonly Fields[] | undefined;
}

export interface ChoiceParts {
  readonly index: number;
  readonly said: { readonly message: Fields } | { readonly delta: Fields };
  /** Null: not the last of its choice. */
  readonly finish: string | null;
  readonly logprobs: Fields | null;
}

/** How one server writes chats. Fields that are undefined are left out of the JSON, null is written. */
export interface ChatStyle {
  /** Of every reply. */
  readonly headers: Readonly<Record<string, string>>;
  readonly streamHeaders: Readonly<Record<string, string>>;
  readonly frame: (scene: Scene, framed: Framed) => Fields;
  readonly message: (said: Said) => Fields;
  readonly delta: (said: Said) => Fields;
  readonly choice: (parts: ChoiceParts) => Fields;
  readonly finish: (finish: Scene['finish']) => string;
  readonly usage: (usage: NonNullable<Scene['usage']>) => Fields;
  readonly logprobs: WriteLogprobs | undefined;
  readonly toolDeltas: ToolDeltas;
  /** The content of a message that only calls tools. */
  readonly noContent: '' | null;
  /** The first change of each choice; undefined: the stream begins with content. */
  readonly opening: Said | undefined;
  /** The change that carries the finish reason. */
  readonly closing: Said;
  /** The last piece of a tool call carries the finish reason itself. */
  readonly finishesWithTool: boolean;
  /**
   * Usage in a stream. `own`: in a chunk without choices, if asked for. `nulls`: so, and null in every other chunk then.
   * `always-nulls`: so, and the nulls come unasked. `with-finish`: in the chunk with the finish reason, asked for or not, null in
   * the others.
   */
  readonly usageIn: 'own' | 'nulls' | 'always-nulls' | 'with-finish';
  readonly showsReasoning: boolean;
  /** Several choices are made when asked for. */
  readonly hasChoices: boolean;
  /** A comment against timeouts, as sent while the prompt is evaluated. */
  readonly comment: string;
  readonly write: (value: unknown) => string;
}

export function chatExchange(style: ChatStyle, scene: Scene): Exchange {
  const message: Said = {
    role: 'assistant',
    content: scene.text === '' && scene.calls.length > 0 ? style.noContent : scene.text,
    reasoning: scene.reasoning === '' ? undefined : scene.reasoning,
    toolCalls: scene.calls.length === 0 ? undefined : scene.calls.map(toToolCall),
  };
  const finish = style.finish(scene.finish);
  const logprobs = logprobsOf(style.logprobs, scene, scene.pieces);
  const said = { message: style.message(message) };
  const choices = indexesOf(style, scene).map((index) => style.choice({ index, said, finish, logprobs }));
  const usage = scene.usage && style.usage(scene.usage);
  return jsonExchange(style.frame(scene, { object: 'chat.completion', choices, usage, isLast: true }), 200, style.headers);
}

export function streamExchange(style: ChatStyle, scene: Scene): Exchange {
  const chunks = chunkWriter(style, scene);
  const changes = changesOf(style, scene);
  const last = style.finishesWithTool && scene.calls.length > 0 ? changes.at(-1) : undefined;
  const finish = style.finish(scene.finish);
  const opening = style.opening === undefined ? '' : chunks.ofAll(style.opening, null).join('');
  const pieces = changes.flatMap((change) => chunks.ofAll(change, change === last ? finish : null));
  const finishing = last === undefined ? chunks.ofAll(style.closing, finish).join('') : '';
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', ...style.headers, ...style.streamHeaders },
    opening: opening + style.comment,
    pieces,
    closing: finishing + chunks.ofUsage() + terminator,
  };
}

export const terminator = 'data: [DONE]\n\n';

export function eventOf(value: unknown, write: ChatStyle['write'] = JSON.stringify): string {
  return `data: ${write(value)}\n\n`;
}

interface ChunkWriter {
  /** One event per choice. */
  ofAll(said: Said, finish: string | null): readonly string[];
  ofUsage(): string;
}

function chunkWriter(style: ChatStyle, scene: Scene): ChunkWriter {
  const { usageIn } = style;
  const hasNulls = usageIn === 'always-nulls' || usageIn === 'with-finish' || (usageIn === 'nulls' && scene.isUsageAsked);
  const counted = scene.usage && style.usage(scene.usage);
  const hasOwn = usageIn !== 'with-finish' && scene.isUsageAsked && counted !== undefined;
  const write = (framed: Omit<Framed, 'object'>): string =>
    eventOf(style.frame(scene, { object: 'chat.completion.chunk', ...framed }), style.write);
  return {
    ofAll: (said, finish) =>
      indexesOf(style, scene).map((index) => {
        const logprobs = logprobsOf(style.logprobs, scene, said.content ? [said.content] : []);
        const choice = style.choice({ index, said: { delta: style.delta(said) }, finish, logprobs });
        const usage = usageIn === 'with-finish' && finish !== null ? (counted ?? null) : hasNulls ? null : undefined;
        return write({ choices: [choice], usage, isLast: finish !== null && !hasOwn });
      }),
    ofUsage: () => (hasOwn ? write({ choices: [], usage: counted, isLast: true }) : ''),
  };
}

/** Reasoning, then text, then tool calls. */
function changesOf(style: ChatStyle, scene: Scene): readonly Said[] {
  return [
    ...(style.showsReasoning ? piecesOf(scene.reasoning) : []).map((reasoning) => ({ reasoning })),
    ...scene.pieces.map((content) => ({ content })),
    ...scene.calls.flatMap((call, index) => style.toolDeltas(call, index)).map((delta) => ({ toolCalls: [delta] })),
  ];
}

function toToolCall(call: Scene['calls'][number]): Fields {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } };
}

function indexesOf({ hasChoices }: ChatStyle, { choices }: Scene): readonly number[] {
  return Array.from({ length: hasChoices ? choices : 1 }, (_, index) => index);
}
