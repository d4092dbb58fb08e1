import { RouterError } from '../core/errors.ts';
import type { ChatMessage, ChatRequest, EmbedRequest, Role } from '../core/types.ts';

// The one list of what is checked of requests: what callers in plain JavaScript get wrong, and what would break an adapter or be sent as
// nonsense. What a server takes beyond that, such as the range of a number, is the server's business, and unknown fields pass.
//
// A line for each field, and no names to loop over: that took longer than all the rest of copying a request.

export type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** @throws {RouterError} `invalid_request` */
export function checkChat(copy: Writable<ChatRequest>): void {
  need('messages', copy.messages, filledList);
  check(copy, 'model', copy.model, name);
  check(copy, 'temperature', copy.temperature, number);
  check(copy, 'top_p', copy.top_p, number);
  check(copy, 'n', copy.n, whole);
  check(copy, 'stop', copy.stop, texts);
  check(copy, 'max_tokens', copy.max_tokens, number);
  check(copy, 'max_completion_tokens', copy.max_completion_tokens, number);
  check(copy, 'presence_penalty', copy.presence_penalty, number);
  check(copy, 'frequency_penalty', copy.frequency_penalty, number);
  check(copy, 'seed', copy.seed, number);
  check(copy, 'logprobs', copy.logprobs, flag);
  check(copy, 'top_logprobs', copy.top_logprobs, whole);
  check(copy, 'logit_bias', copy.logit_bias, bias);
  check(copy, 'tools', copy.tools, tools);
  check(copy, 'tool_choice', copy.tool_choice, choice);
  check(copy, 'parallel_tool_calls', copy.parallel_tool_calls, flag);
  check(copy, 'response_format', copy.response_format, format);
  check(copy, 'reasoning_effort', copy.reasoning_effort, text);
  check(copy, 'stream_options', copy.stream_options, object);
  check(copy, 'user', copy.user, text);
  check(copy, 'extra', copy.extra, extra);
}

/**
 * @param at its number in the list
 * @throws {RouterError} `invalid_request`
 */
export function checkMessage(copy: Writable<ChatMessage>, at: number): void {
  need('role', copy.role, role, at);
  const { content } = copy;
  // Null stays: it is OpenAI's own word for a message that has calls in the place of content.
  const isLeftOut = content === undefined || content === null;
  if (isLeftOut ? speakers.has(copy.role) : !contents.isRight(content)) throw wrong('content', contents, at);
  check(copy, 'name', copy.name, text, at);
  check(copy, 'tool_calls', copy.tool_calls, calls, at);
  check(copy, 'tool_call_id', copy.tool_call_id, text, at);
  check(copy, 'reasoning_content', copy.reasoning_content, text, at);
  check(copy, 'thinking_blocks', copy.thinking_blocks, objects, at);
}

/** @throws {RouterError} `invalid_request` */
export function checkEmbed(copy: Writable<EmbedRequest>): void {
  need('input', copy.input, texts);
  check(copy, 'model', copy.model, name);
  check(copy, 'dimensions', copy.dimensions, whole);
  check(copy, 'user', copy.user, text);
  check(copy, 'extra', copy.extra, extra);
}

/** What a field must be. The words stand after its name. */
interface Rule {
  readonly words: string;
  readonly isRight: (value: unknown) => boolean;
}

const text: Rule = { words: 'must be a string', isRight: isText };
const texts: Rule = { words: 'must be a string or a list of strings', isRight: (value) => isText(value) || isListOf(value, isText) };
const number: Rule = { words: 'must be a number', isRight: Number.isFinite };
const whole: Rule = { words: 'must be a whole number', isRight: Number.isInteger };
const flag: Rule = { words: 'must be true or false', isRight: (value) => typeof value === 'boolean' };
const object: Rule = { words: 'must be an object', isRight: isObject };
const objects: Rule = { words: 'must be a list of objects', isRight: (value) => isListOf(value, isObject) };

const name: Rule = {
  words: 'must be a name; leave it out to use the default model of each provider',
  isRight: (value) => isText(value) && value !== '',
};
const bias: Rule = {
  words: 'must be an object of numbers, by token',
  isRight: (value) => isObject(value) && Object.values(value).every(Number.isFinite),
};
const extra: Rule = {
  words: 'must be an object of objects, by type of provider',
  isRight: (value) =>
    isObject(value) && Object.values(value).every((fields) => fields === undefined || fields === null || isObject(fields)),
};
const tools: Rule = {
  words: 'must be a list of tools, each with function.name, that JSON can hold',
  isRight: (value) => isListOf(value, isTool) && isJson(value),
};
const choice: Rule = {
  words: 'must be none, auto, required, or an object that names a function',
  isRight: (value) => isText(value) || isTool(value),
};
const format: Rule = {
  words: 'must be an object with type, and with json_schema.schema where that is json_schema, of what JSON can hold',
  isRight: isFormat,
};

const filledList: Rule = {
  words: 'must be a list with at least one message',
  isRight: (value) => Array.isArray(value) && value.length > 0,
};
const roles: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool'] satisfies Role[]);
/** One of these who says nothing has most likely misspelt `content`. */
const speakers: ReadonlySet<unknown> = new Set(['system', 'developer', 'user'] satisfies Role[]);
const role: Rule = { words: `must be one of ${[...roles].join(', ')}`, isRight: (value) => roles.has(value) };
const contents: Rule = {
  words: 'must be a string or a list of parts, each with its type: text with text, image_url with image_url.url',
  isRight: (value) => isText(value) || isListOf(value, isPart),
};
const calls: Rule = {
  words: 'must be a list of calls, each with function.name; ids are strings, arguments JSON text or an object that JSON can hold',
  isRight: (value) => isListOf(value, isCall),
};

/** Null is a field left out, as callers in plain JavaScript write it, and becomes that. */
function check<Name extends string>(copy: Partial<Record<Name, unknown>>, field: Name, value: unknown, rule: Rule, at?: number): void {
  if (value === undefined || rule.isRight(value)) return;
  if (value !== null) throw wrong(field, rule, at);
  copy[field] = undefined;
}

function need(field: string, value: unknown, rule: Rule, at?: number): void {
  if (!rule.isRight(value)) throw wrong(field, rule, at);
}

function wrong(field: string, { words }: Rule, at?: number): RouterError<'invalid_request'> {
  return invalid(`${at === undefined ? '' : `messages[${at}].`}${field} ${words}`);
}

export function invalid(sentence: string): RouterError<'invalid_request'> {
  return new RouterError('invalid_request', `The call cannot be carried out: ${sentence}.`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** By number, because a list may have holes, and they would be sent as null. */
function isListOf(value: unknown, isRight: (item: unknown) => boolean): boolean {
  if (!Array.isArray(value)) return false;
  for (let at = 0; at < value.length; at += 1) if (!isRight(value[at])) return false;
  return true;
}

/** Parts of other types are for the servers that know them. */
function isPart(part: unknown): boolean {
  if (!isObject(part)) return false;
  const { type, text: said, image_url: image } = part;
  if (type === 'text') return isText(said);
  return type === 'image_url' ? isObject(image) && isText(image['url']) : isText(type);
}

/** Tools of other types are for the servers that know them. */
function isTool(tool: unknown): boolean {
  return isObject(tool) && (isNamed(tool['function']) || (isText(tool['type']) && tool['type'] !== 'function'));
}

/** Some servers give no id or an empty one, and arguments as an object. */
function isCall(call: unknown): boolean {
  if (!isObject(call)) return false;
  const { id, function: called } = call;
  if (!isNamed(called) || !(id === undefined || id === null || isText(id))) return false;
  const { arguments: given } = called;
  return given === undefined || given === null || isText(given) || (isObject(given) && isJson(given));
}

function isJson(value: unknown): boolean {
  try {
    return typeof JSON.stringify(value) === 'string';
  } catch {
    return false;
  }
}

function isNamed(called: unknown): called is Readonly<Record<string, unknown>> {
  return isObject(called) && isText(called['name']);
}

function isFormat(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { type, json_schema: wanted } = value;
  return type === 'json_schema' ? isObject(wanted) && isObject(wanted['schema']) && isJson(wanted) : isText(type);
}
