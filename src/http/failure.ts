import { type ErrorCode, errorCodes, httpStatusOf, isRouterError, type RouterError } from '../index.ts';

/** Whose words an error is told in. */
export type ErrorShape = 'openai' | 'anthropic' | 'ollama' | 'plain';

/** A refusal of the handler itself. The message is safe to show: it holds nothing of the request but names of our own. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** The field or header that is wrong, where there is one. */
  readonly param?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Thrown by routes and their parsers. */
export class HttpRefusal extends Error {
  override readonly name: string = 'HttpRefusal';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** 400 with the field that is wrong. */
export function badRequest(message: string, param?: string, code = 'invalid_request'): HttpRefusal {
  return new HttpRefusal({ status: 400, code, message, param });
}

/** What is told of anything that was thrown. What is not ours may hold anything, so nothing of it is told. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof HttpRefusal) return thrown.refusal;
  if (!isRouterError(thrown)) return { status: 500, code: 'internal_error', message: 'The server failed.' };
  const { status, code } = kindOf(thrown);
  return { status, code, message: messageOf(thrown), retryAfterMs: thrown.retryAfterMs };
}

/** Where nobody could be asked, and all for one reason, that is the answer: a model that nobody has is not found, now and later. */
function kindOf(error: RouterError): { readonly status: number; readonly code: ErrorCode } {
  const shared = sharedReason(error);
  return shared === undefined ? { status: httpStatusOf(error), code: error.code } : { status: errorCodes[shared].status, code: shared };
}

function sharedReason({ code, skipped }: RouterError): ErrorCode | undefined {
  const [first] = skipped;
  const isShared = code === 'no_provider' && first !== undefined && skipped.every((each) => each.code === first.code);
  return isShared && Object.hasOwn(errorCodes, first.code) ? first.code : undefined;
}

/** Failures that speak of the request, in words that the caller needs: which field is too large, which feature is lacking. */
const ofRequest: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid_request',
  'unsupported',
  'bad_request',
  'context_length',
  'content_filtered',
  'model_not_found',
  'embedding_space',
  'loop_detected',
]);

/** Of other failures the table's sentence is told: which server is down, and what it said, is nobody's concern but the operator's. */
function messageOf(error: RouterError): string {
  const shared = sharedReason(error);
  if (shared === 'unsupported') return withoutPlaces(`${sentenceOf(shared)} ${error.skipped[0]?.reason ?? ''}`);
  if (shared !== undefined) return sentenceOf(shared);
  const last = error.code === 'all_failed' ? (error.attempts.at(-1)?.error ?? error) : error;
  const words = ofRequest.has(last.code) ? withoutPlaces(withoutProvider(last)) : sentenceOf(last.code);
  return last === error ? words : `${sentenceOf(error.code)} The last one: ${words}`;
}

/** Messages of a provider begin with its id. */
function withoutProvider({ provider, message }: RouterError): string {
  return provider !== undefined && message.startsWith(`${provider}: `) ? message.slice(provider.length + 2) : message;
}

/** What tells where a server stands, and where it keeps its files. */
const places: readonly RegExp[] = [
  /\b[a-z][a-z0-9+.-]*:\/\/\S+/gi,
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g,
  /(?<![\w:])(?:[0-9a-f]{1,4})?(?:::?[0-9a-f]{1,4}){2,8}(?![\w:])/gi,
  // A name with a port; a model has its tag behind the colon, and no hyphen or dot goes before a count.
  /\b(?:localhost|\w+[.-][\w.-]+):\d{2,5}\b/gi,
  /\b[\w-]+(?:\.[\w-]+)*\.(?:corp|home|internal|intranet|lan|local|localdomain|private|svc)\b/gi,
  /(?<![\w.])(?:\/[\w.@+-]+){2,}\/?/g,
  /\b[a-z]:\\[^\s"']+/gi,
];

const mostTold = 1_000;

/** What a server says of a request may hold them. */
function withoutPlaces(text: string): string {
  return places.reduce((told, place) => told.replace(place, '…'), text.slice(0, mostTold));
}

function sentenceOf(code: ErrorCode): string {
  return Object.hasOwn(errorCodes, code) ? errorCodes[code].when : 'The call failed.';
}

/** A refusal as the JSON of each API. */
export function errorBody(shape: ErrorShape, { status, code, message, param }: Refusal, requestId: string): unknown {
  switch (shape) {
    case 'openai':
      return { error: { message, type: openaiType(status), param: param ?? null, code } };
    case 'anthropic':
      return { type: 'error', error: { type: anthropicType(status), message }, request_id: requestId };
    case 'ollama':
      return { error: message };
    case 'plain':
      return { error: { code, message } };
  }
}

/** OpenAI's clients choose their error classes by the status; the type is for people. */
function openaiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** https://docs.anthropic.com/en/api/errors, read 2026-11. */
function anthropicType(status: number): string {
  const types: Readonly<Record<number, string>> = {
    401: 'authentication_error',
    403: 'permission_error',
    404: 'not_found_error',
    413: 'request_too_large',
    429: 'rate_limit_error',
    503: 'overloaded_error',
    504: 'timeout_error',
  };
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}
