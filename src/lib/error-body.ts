import { isJsonObject, type JsonObject, parseJsonWithin } from './json.ts';

/** What an error body says, whichever of the dozen shapes it has. Absent fields are undefined; `message` is '' where nothing was said. */
export interface ErrorBody {
  /** An HTTP status that the body itself names (`code: 503`). */
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly param: string | undefined;
  /** TGI's and TEI's `error_type`. */
  readonly errorType: string | undefined;
  /** Hugging Face's `estimated_time` until the model is loaded. */
  readonly estimatedMs: number | undefined;
}

/** Ollama puts the whole error JSON of its runner into its own `error` string; gateways wrap once more. */
const maxJsonLevels = 3;
const maxObjectDepth = 6;
/** A validation error lists every field; the first ones tell enough. */
const maxItems = 5;

/** As much as is read of the body of a failed response: an error that came with a good status is no better. */
const maxMessageChars = 64 * 1024;

/** The body of a failed response: JSON of any error shape, or plain text. */
export function unwrapText(bodyText: string): ErrorBody {
  return unwrap(bodyText, maxJsonLevels + 1, maxObjectDepth);
}

/** The error in a value that arrived with status 200 or inside a stream; undefined where it holds none. */
export function unwrapValue(value: unknown): ErrorBody | undefined {
  return isJsonObject(value) && holdsError(value) ? unwrap(value, maxJsonLevels, maxObjectDepth) : undefined;
}

/** Answers of several servers carry `"error": null`, and OpenAI's own chunks carry `"type"` and `"object"`. */
function holdsError(value: JsonObject): boolean {
  if (says(own(value, 'error'))) return true;
  const hasMessage = typeof own(value, 'message') === 'string';
  if (own(value, 'object') === 'error' || own(value, 'type') === 'error') return hasMessage;
  const answers = ['choices', 'data', 'object', 'embedding', 'embeddings'].some((key) => own(value, key) !== undefined);
  if (answers) return false;
  // TEI's OpenAI routes: {"message", "code": 429, "type"}.
  if (hasMessage && typeof own(value, 'code') === 'number' && typeof own(value, 'type') === 'string') return true;
  return says(own(value, 'detail'));
}

function says(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === 'string' ? /\S/.test(value) : value === true || isJsonObject(value);
}

function unwrap(value: unknown, jsonLevels: number, depth: number): ErrorBody {
  if (depth === 0) return nothing;
  if (typeof value === 'string') {
    const inner = jsonLevels > 0 ? parseContainer(value) : undefined;
    return inner === undefined ? { ...nothing, message: value.slice(0, maxMessageChars).trim() } : unwrap(inner, jsonLevels - 1, depth);
  }
  if (Array.isArray(value)) return { ...nothing, message: joinItems(value, jsonLevels, depth) };
  if (!isJsonObject(value)) return nothing;
  return merge(fieldsOf(value), spoken(value, jsonLevels, depth));
}

/** The part of an error object that says what happened. `error` and `message` side by side are a title and its text. */
function spoken(value: JsonObject, jsonLevels: number, depth: number): ErrorBody {
  const said = ['error', 'detail', 'message', 'errors', 'msg', 'title'].filter((key) => says(own(value, key)));
  const [first = '', second = ''] = said;
  const inner = unwrap(own(value, first), jsonLevels, depth - 1);
  if (first !== 'error' || typeof own(value, first) !== 'string' || typeof own(value, second) !== 'string') return inner;
  if (second === 'title') return inner;
  return merge(inner, { ...nothing, message: `${inner.message}: ${unwrap(own(value, second), jsonLevels, depth - 1).message}` });
}

function fieldsOf(value: JsonObject): ErrorBody {
  const code = own(value, 'code') ?? detailCode(own(value, 'details'));
  const estimated = own(value, 'estimated_time');
  return {
    // `http_status_code` is left out: TGI streams give 422 for every fault.
    status: statusOf(code) ?? statusOf(own(value, 'status')),
    type: text(own(value, 'type')),
    code: statusOf(code) === undefined ? text(code) : undefined,
    message: '',
    param: text(own(value, 'param')),
    errorType: text(own(value, 'error_type')),
    estimatedMs: typeof estimated === 'number' && estimated > 0 ? estimated * 1000 : undefined,
  };
}

/** Anthropic: `details: { "error_code": … }`. */
function detailCode(details: unknown): unknown {
  return isJsonObject(details) ? own(details, 'error_code') : undefined;
}

/** FastAPI's validation errors carry the offending input beside the message: only place and message are taken. */
function joinItems(items: readonly unknown[], jsonLevels: number, depth: number): string {
  const parts = items.slice(0, maxItems).map((item) => {
    const { message } = unwrap(item, jsonLevels, depth - 1);
    const place = isJsonObject(item) ? own(item, 'loc') : undefined;
    return Array.isArray(place) ? `${place.slice(0, 8).filter(isPlain).join('.')}: ${message}` : message;
  });
  return parts.filter((part) => part !== '').join('; ');
}

function merge(outer: ErrorBody, inner: ErrorBody): ErrorBody {
  return {
    status: inner.status ?? outer.status,
    type: inner.type ?? outer.type,
    code: inner.code ?? outer.code,
    message: inner.message === '' ? outer.message : inner.message,
    param: inner.param ?? outer.param,
    errorType: inner.errorType ?? outer.errorType,
    estimatedMs: inner.estimatedMs ?? outer.estimatedMs,
  };
}

const nothing: ErrorBody = {
  status: undefined,
  type: undefined,
  code: undefined,
  message: '',
  param: undefined,
  errorType: undefined,
  estimatedMs: undefined,
};

function parseContainer(value: string): unknown {
  return value.length <= maxMessageChars && /^\s*[{["]/.test(value) ? parseJsonWithin(value) : undefined;
}

function statusOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 300 && value <= 599 ? value : undefined;
}

function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function own(value: JsonObject, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
