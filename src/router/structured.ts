import { type AnswerSchema, isAnswerSchema, jsonSchemaOf, type SchemaIssue } from '../core/answer-schema.ts';
import { RouterError } from '../core/errors.ts';
import type { CallOptions } from '../config/call-options.ts';
import { parseJsonWithin } from '../lib/json.ts';
import type { ChatCompletion, ChatMessage, ChatRequest, Usage } from '../core/types.ts';

/** A chat whose answer is wanted as a value. The schema stands where OpenAI's `response_format` does. */
export interface SchemaRequest<Value, Model extends string = string> extends Omit<
  ChatRequest<Model>,
  'response_format' | 'n' | 'tools' | 'tool_choice'
> {
  readonly response_format: AnswerSchema<Value>;
}

export interface ParsedCompletion<Value> extends ChatCompletion {
  /** The answer's JSON as the schema gives it back. */
  parsed: Value;
  /** The first answer did not fit, and this is the second one (`repair: true`). Its usage counts both. */
  repaired: boolean;
}

/** The request with the JSON Schema of its schema, as servers understand it. */
export function withJsonSchema(request: SchemaRequest<unknown>): ChatRequest {
  const { response_format, ...rest } = request;
  return { ...rest, response_format: { type: 'json_schema', json_schema: { name: 'answer', ...formatOf(response_format) } } };
}

export function hasSchema<Value>(request: ChatRequest | SchemaRequest<Value>): request is SchemaRequest<Value> {
  return typeof request === 'object' && request !== null && isAnswerSchema(request.response_format);
}

/**
 * Asks, and checks the answer. One that does not fit is sent back once with what is wrong, where that was asked for.
 * `ask` makes one whole call of the router.
 * @throws {RouterError} `bad_response` where the answer does not fit; the message names places, never what stands there.
 */
export async function chatFor<Value>(
  request: SchemaRequest<Value>,
  repair: boolean,
  ask: (request: ChatRequest, more: Pick<CallOptions, 'cache'>) => Promise<ChatCompletion>,
): Promise<ParsedCompletion<Value>> {
  for (const [name, value] of Object.entries(request)) {
    if (value !== undefined && unfit.includes(name)) {
      throw new RouterError('invalid_request', `A schema as response_format goes without ${name}: the answer is one value.`);
    }
  }
  const asked = copyOf(withJsonSchema(request));
  const { answer: first, found } = await askAndCheck(asked, request.response_format, ask);
  if ('value' in found) return Object.assign(first, { parsed: found.value, repaired: false });
  if (!repair) throw misfit(first, found.faults);
  const text = first.choices[0].message.content ?? '';
  const messages: ChatMessage[] = [
    ...asked.messages,
    { role: 'assistant', content: text },
    { role: 'user', content: correction(found.faults) },
  ];
  const { answer: second, found: again } = await askAndCheck({ ...asked, messages }, request.response_format, ask);
  if (!('value' in again)) throw misfit(second, again.faults);
  const { usage, ...answer } = second;
  return { ...answer, ...sumOf(first.usage, usage), parsed: again.value, repaired: true };
}

/** An answer that was kept knows nothing of the schema as it is now: where it does not fit, it is asked for anew. */
async function askAndCheck<Value>(
  request: ChatRequest,
  schema: AnswerSchema<Value>,
  ask: Parameters<typeof chatFor>[2],
): Promise<{ readonly answer: ChatCompletion; readonly found: Checked<Value> }> {
  const answer = await ask(request, {});
  const found = await check(answer, schema);
  if ('value' in found || !answer.route.cached) return { answer, found };
  const anew = await ask(request, { cache: 'refresh' });
  return { answer: anew, found: await check(anew, schema) };
}

/** For the second call: messages that the caller adds or changes after the first one began are no part of it. What is no list is refused by `ask`. */
function copyOf(request: ChatRequest): ChatRequest {
  const { messages } = request;
  return Array.isArray(messages)
    ? { ...request, messages: (messages as readonly ChatMessage[]).map((message) => ({ ...message })) }
    : request;
}

function formatOf(schema: AnswerSchema): { schema: Record<string, unknown>; strict?: true } {
  try {
    const { schema: json, strict } = jsonSchemaOf(schema);
    return { schema: json, ...(strict && { strict }) };
  } catch {
    throw new RouterError(
      'invalid_request',
      'The schema in response_format has no JSON Schema; use types that JSON can hold, and zod 4.2 or later.',
    );
  }
}

/** What would give more than one value, or another thing than a value. */
const unfit: readonly string[] = ['tools', 'tool_choice', 'n'];

interface Fault {
  readonly place: string;
  readonly message: string;
}

type Checked<Value> = { readonly value: Value } | { readonly faults: readonly Fault[] };

async function check<Value>({ choices, route }: ChatCompletion, schema: AnswerSchema<Value>): Promise<Checked<Value>> {
  const [{ message, finish_reason: reason }] = choices;
  if (message.refusal || reason === 'content_filter') {
    throw new RouterError('content_filtered', `${route.provider}: the model refused to answer.`, { provider: route.provider });
  }
  if (reason === 'length') return { faults: [{ place: 'its end', message: 'it was cut at the limit of tokens' }] };
  const json = parseAnswer(message.content ?? '');
  if (json === undefined) return { faults: [{ place: 'its beginning', message: 'it is not JSON' }] };
  const result = await schema['~standard'].validate(json.value);
  return result.issues === undefined ? { value: result.value } : { faults: result.issues.map(toFault) };
}

/** Models of servers without a grammar like to put a fence around their JSON. */
function parseAnswer(text: string): { readonly value: unknown } | undefined {
  const inner = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text)?.[1] ?? text;
  const value = parseJsonWithin(inner);
  return value === undefined ? undefined : { value };
}

function toFault({ path = [], message }: SchemaIssue): Fault {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return { place: keys.length === 0 ? 'the whole' : keys.map(String).join('.'), message };
}

const mostFaults = 8;

/** Places only: messages of schemas, and keys that the model made up, may repeat what it said. */
function misfit({ route }: ChatCompletion, faults: readonly Fault[]): RouterError {
  const { provider } = route;
  const known = faults.slice(0, mostFaults).map(({ place }) => (/^[\w.$ -]{1,80}$/.test(place) ? place : 'an unknown place'));
  const more = faults.length > mostFaults ? ` and ${faults.length - mostFaults} more` : '';
  return new RouterError('bad_response', `${provider}: the answer does not fit the schema at ${known.join(', ')}${more}.`, { provider });
}

function correction(faults: readonly Fault[]): string {
  const lines = faults.slice(0, mostFaults).map(({ place, message }) => `- ${place}: ${message}`);
  return `Your answer does not fit the schema:\n${lines.join('\n')}\nAnswer again, with the corrected JSON and nothing else.`;
}

/** Half a count is none. */
function sumOf(first: Usage | undefined, second: Usage | undefined): { usage?: Usage } {
  if (first === undefined || second === undefined) return {};
  const sum = (name: 'prompt_tokens' | 'completion_tokens' | 'total_tokens'): number => first[name] + second[name];
  return {
    usage: {
      ...second,
      prompt_tokens: sum('prompt_tokens'),
      completion_tokens: sum('completion_tokens'),
      total_tokens: sum('total_tokens'),
    },
  };
}
