import type { RouterError } from '../core/errors.ts';
import type { ChatMessage, ContentPart, ToolCall } from '../core/types.ts';
import { isJsonObject, type JsonObject, parseJsonWithin } from '../lib/json.ts';

/** Makes the error for a request that cannot be sent. The text must not quote the request. */
export type Refuse = (code: 'invalid_request' | 'unsupported', text: string) => RouterError;

export interface Conversation {
  /** Undefined where there is no system text. */
  readonly system: string | undefined;
  readonly messages: readonly JsonObject[];
}

interface Turn {
  readonly role: 'user' | 'assistant';
  /** Results of tools; they must stand before everything else in their turn. */
  readonly results: JsonObject[];
  readonly blocks: JsonObject[];
}

/**
 * Messages as this API wants them: system texts apart, turns of user and assistant that alternate, every tool's result in the
 * turn after its call. Histories of other providers are made acceptable: blank texts are left out, ids are rewritten where they
 * hold characters that are refused or come twice, and a result without a call becomes a text of the user. Reasoning goes back
 * only as signed blocks. Throws `invalid_request` for what has no form here.
 */
export function toConversation(messages: readonly ChatMessage[], refuse: Refuse): Conversation {
  const system: string[] = [];
  const turns: Turn[] = [];
  const newId = createIds(messages);
  /** Calls of the last assistant's turn that wait for a result: the caller's id, and the ids here in order. */
  let waiting = new Map<string, string[]>();
  const add = (role: Turn['role'], list: 'results' | 'blocks', blocks: readonly JsonObject[]): void => {
    if (blocks.length === 0) return;
    if (turns.at(-1)?.role !== role) {
      turns.push({ role, results: [], blocks: [] });
      if (role === 'assistant') waiting = new Map();
    }
    turns.at(-1)?.[list].push(...blocks);
  };
  messages.forEach((message, at) => {
    const path = `messages[${at}]`;
    if (message.role === 'system' || message.role === 'developer') system.push(...toSystemTexts(message, path, refuse));
    else if (message.role === 'assistant') {
      add('assistant', 'blocks', [...(message.thinking_blocks ?? []).map((block) => ({ ...block })), ...toBlocks(message, path, refuse)]);
      for (const [index, call] of (message.tool_calls ?? []).entries()) {
        const id = newId(call.id);
        add('assistant', 'blocks', [toToolUse(call, id, `${path}.tool_calls[${index}]`, refuse)]);
        const others = waiting.get(call.id);
        if (others === undefined) waiting.set(call.id, [id]);
        else others.push(id);
      }
    } else {
      const id = message.role === 'tool' ? waiting.get(message.tool_call_id ?? '')?.shift() : undefined;
      const blocks = toBlocks(message, path, refuse);
      if (id === undefined) add('user', 'blocks', blocks);
      else add('user', 'results', [{ type: 'tool_result', tool_use_id: id, content: blocks.length > 0 ? blocks : undefined }]);
    }
  });
  return {
    system: system.length > 0 ? system.join('\n\n') : undefined,
    messages: turns.map(({ role, results, blocks }) => ({ role, content: [...results, ...blocks] })),
  };
}

function partsOf({ content }: ChatMessage): readonly ContentPart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
}

function toSystemTexts(message: ChatMessage, path: string, refuse: Refuse): string[] {
  return partsOf(message).flatMap((part) => {
    if (part.type === 'text') return isBlank(part.text) ? [] : [part.text];
    if (part.type === 'image_url') throw refuse('invalid_request', `${path} is a ${message.role} message and holds an image.`);
    throw refuseUnknown(path, refuse);
  });
}

/** Texts and images; the API refuses texts that are empty or hold nothing but white space. */
function toBlocks(message: ChatMessage, path: string, refuse: Refuse): JsonObject[] {
  return partsOf(message).flatMap((part): JsonObject[] => {
    if (part.type === 'text') return isBlank(part.text) ? [] : [{ type: 'text', text: part.text }];
    if (part.type === 'image_url') return [{ type: 'image', source: toSource(part.image_url.url, path, refuse) }];
    throw refuseUnknown(path, refuse);
  });
}

/** Types do not know such parts, but callers send them: other servers take sound and files. */
function refuseUnknown(path: string, refuse: Refuse): RouterError {
  return refuse('unsupported', `${path} holds a part that this API has no place for.`);
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Base64 for a `data:` URL; an http(s) address is fetched by the server. */
function toSource(url: string, path: string, refuse: Refuse): JsonObject {
  if (/^https?:\/\//i.test(url)) return { type: 'url', url };
  const [head, mediaType] = /^data:([\w.+-]+\/[\w.+-]+)(?:;[^,;]*)*;base64,/i.exec(url.slice(0, 200)) ?? [];
  if (head === undefined || mediaType === undefined) {
    throw refuse('invalid_request', `an image in ${path} is neither a base64 data: URL with its media type nor an http(s) address.`);
  }
  const type = mediaType.toLowerCase();
  return { type: 'base64', media_type: type === 'image/jpg' ? 'image/jpeg' : type, data: url.slice(head.length) };
}

/** Arguments are JSON text for the caller and an object here; no arguments at all may be written as empty text. */
function toToolUse({ function: called }: ToolCall, id: string, path: string, refuse: Refuse): JsonObject {
  const input = isBlank(called.arguments) ? {} : parseJsonWithin(called.arguments);
  if (!isJsonObject(input)) throw refuse('invalid_request', `${path}.function.arguments is not a JSON object, or nests too deep.`);
  return { type: 'tool_use', id, name: called.name, input };
}

/**
 * One id per call, each only once: the caller's own where the API takes it, otherwise one made from it. The same history gives
 * the same ids, so that a cached prompt stays the same.
 */
function createIds(messages: readonly ChatMessage[]): (id: string) => string {
  const ids = messages.flatMap(({ tool_calls }) => (tool_calls ?? []).map(({ id }) => id));
  const kept = new Set(ids.filter((id) => /^[a-zA-Z0-9_-]+$/.test(id)));
  const taken = new Set<string>();
  /** Where the search for a free number goes on, by base: those before are taken, and thousands of calls may have one id. */
  const counts = new Map<string, number>();
  const take = (id: string): string => {
    taken.add(id);
    return id;
  };
  return (id) => {
    if (kept.has(id) && !taken.has(id)) return take(id);
    const base = id.replaceAll(/[^a-zA-Z0-9_-]/g, '_') || 'call';
    const isFree = (name: string): boolean => !taken.has(name) && !kept.has(name);
    if (isFree(base)) return take(base);
    let count = counts.get(base) ?? 2;
    while (!isFree(`${base}_${count}`)) count += 1;
    counts.set(base, count + 1);
    return take(`${base}_${count}`);
  };
}
