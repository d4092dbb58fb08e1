import { type Answer, defaultText } from '../script.ts';
import type { WireCall } from '../wire.ts';
import { type Fields, fieldsOf } from './fields.ts';

export interface SceneCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** An answer and the call it is for, with every gap filled: what the servers' styles write down. */
export interface Scene {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly text: string;
  readonly pieces: readonly string[];
  /** '' where the model did not reason. */
  readonly reasoning: string;
  readonly calls: readonly SceneCall[];
  readonly finish: NonNullable<Answer['finishReason']>;
  /** Undefined: the server reports none. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
  /** How many choices the request asks for. */
  readonly choices: number;
  readonly isUsageAsked: boolean;
  /** How many alternatives of each token are asked for; undefined: no log-probabilities at all. */
  readonly topLogprobs: number | undefined;
  readonly body: Fields;
}

/** Wires know no time: every answer was made then. */
export const fakeCreated = 1_770_000_000;

/** The same moment as a text. */
export const createdAt = '2026-02-02T02:40:00.000000Z';

export function sceneOf(answer: Answer, call: WireCall): Scene {
  const body = fieldsOf(call.body);
  const text = answer.text ?? answer.pieces?.join('') ?? defaultText;
  const calls = (answer.toolCalls ?? []).map((made, index) => ({
    id: made.id ?? `call_${index}`,
    name: made.name,
    arguments: JSON.stringify(made.arguments),
  }));
  return {
    id: hashOf(JSON.stringify([call.path, call.body ?? null])).toString(36),
    created: fakeCreated,
    model: call.model ?? 'fake-model',
    text,
    pieces: answer.pieces ?? piecesOf(text),
    reasoning: answer.reasoning ?? '',
    calls,
    finish: answer.finishReason ?? (calls.length > 0 ? 'tool_calls' : 'stop'),
    usage: usageOf(answer, body, [text, ...calls.map((made) => made.arguments)].join(' ')),
    choices: typeof body['n'] === 'number' && body['n'] > 1 ? Math.floor(body['n']) : 1,
    isUsageAsked: fieldsOf(body['stream_options'])['include_usage'] === true,
    topLogprobs: topLogprobsOf(body),
    body,
  };
}

/** Together's `logprobs` is the number itself. */
function topLogprobsOf({ logprobs, top_logprobs: top }: Fields): number | undefined {
  if (typeof logprobs === 'number') return logprobs;
  return logprobs === true ? Number(top ?? 0) : undefined;
}

/** Cut behind each blank. */
export function piecesOf(text: string): readonly string[] {
  return text.split(/(?<=\s)/).filter((piece) => piece !== '');
}

export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

/** 32 bits of FNV-1a: the same text gives the same number on every machine. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Reasoning is not counted, so that a server that shows none answers with the same bytes. */
function usageOf(answer: Answer, body: Fields, said: string): Scene['usage'] {
  if (answer.usage === null) return undefined;
  return answer.usage ?? { promptTokens: countWords(promptOf(body)), completionTokens: countWords(said) };
}

function promptOf({ messages }: Fields): string {
  const texts = (Array.isArray(messages) ? (messages as unknown[]) : []).map((message) => textOf(fieldsOf(message)['content']));
  return texts.join(' ');
}

/** A message's content is text, or a list of parts of which some hold text. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map((part) => textOf(fieldsOf(part)['text'])).join(' ') : '';
}
