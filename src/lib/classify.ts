import { errorCodes, type ErrorCode } from '../core/error-codes.ts';
import type { Phase } from '../core/errors.ts';
import { codeOfStatus, decisiveTypes, impliedStatus, plainTypes, textRules } from './error-patterns.ts';
import { type Fault, faultCodes, faultFamilies, faultTexts } from './fault-codes.ts';
import { withoutQuotes } from './echo.ts';
import { boundedWaitMs, explicitRetryAfterMs, retryAfterMs } from './retry-after.ts';
import { type ErrorBody, unwrapText, unwrapValue } from './error-body.ts';
import { pageFault } from './web-page.ts';

export interface FailedResponse {
  readonly status: number;
  header(name: string): string | null;
  /** At most 64 KiB. */
  readonly bodyText: string;
}

export interface Classified {
  readonly code: ErrorCode;
  /** The server's own text, unwrapped, not yet masked or shortened; '' where it said nothing. For faults a sentence of ours. */
  readonly text: string;
  readonly retryAfterMs: number | undefined;
  /** The server's error type or code, ngrok's or Cloudflare's number, or the system's name of the fault. */
  readonly reason: string | undefined;
  readonly phase: Phase | undefined;
}

/** Its body may be a piece of an answer, so nothing of it is repeated. */
const noWhole: Fault = { code: 'bad_response', text: 'The status says that this is no whole answer.' };

/** Takes out of a message what it quotes of the request. */
type Unquoted = (message: string) => string;

/**
 * What an answer means that is no answer: any status but 200 to 203, or a web page with one of these. `wallMs`: milliseconds since
 * 1970; `request`: the body that was sent, whose words are not the server's.
 */
export function classifyResponse(response: FailedResponse, wallMs: number, request?: unknown): Classified {
  const found = ofResponse(response, request);
  return { ...found, retryAfterMs: waitFor(found.code, response, wallMs) ?? found.retryAfterMs };
}

function ofResponse(response: FailedResponse, request: unknown): Classified {
  const page = pageFault(response);
  if (page !== undefined) return ofFault(page.fault, page.reason);
  if (response.status < 300) return ofFault(noWhole, undefined);
  return ofBody(unwrapText(response.bodyText), response.status, (message) => withoutQuotes(message, request));
}

/**
 * The error in a value that came with a good status or inside a stream: `{"error": …}`, `{"object": "error"}`,
 * `{"type": "error"}`, `{"detail": …}`. Undefined where it holds none; `"error": null` is none.
 */
export function classifyBody(body: unknown, status: number | undefined, request?: unknown): Classified | undefined {
  const error = unwrapValue(body);
  // A status that says "good" beside an error says nothing.
  return error && ofBody(error, status !== undefined && status >= 300 ? status : undefined, (message) => withoutQuotes(message, request));
}

/**
 * What the platform threw instead of an answer. Looks along the causes for a code it knows; copies no text of theirs.
 * `connect` is the phase only where the connection never stood.
 */
export function classifyFault(error: unknown): Classified {
  const chain = causesOf(error);
  for (const { code, syscall } of chain) {
    const fault = faultOf(code, syscall);
    if (fault !== undefined) return ofFault(fault, code);
  }
  const reason = chain.find(({ code }) => code !== undefined)?.code;
  const fault = faultTexts.find(([pattern]) => chain.some(({ message }) => pattern.test(message)))?.[1];
  if (fault !== undefined) return ofFault(fault, reason);
  const code = chain.some(({ name }) => name === 'TimeoutError') ? 'timeout' : 'unavailable';
  return ofFault({ code, text: '' }, reason);
}

/** Structure first, then words, then types that say little, then the status. */
function ofBody(body: ErrorBody, status: number | undefined, unquoted: Unquoted): Classified {
  const code = byType(decisiveTypes, body) ?? byText(body, status, unquoted) ?? byType(plainTypes, body) ?? byStatus(body, status);
  const names = [body.code, body.errorType, body.type];
  return { code, text: body.message, retryAfterMs: loadingMs(code, body), reason: names.find(isTypeName), phase: undefined };
}

function byType(types: ReadonlyMap<string, ErrorCode>, { code, errorType, type }: ErrorBody): ErrorCode | undefined {
  for (const name of [code, errorType, type]) {
    const found = name === undefined ? undefined : types.get(name.toLowerCase());
    if (found !== undefined) return found;
  }
  return undefined;
}

function byText(body: ErrorBody, status: number | undefined, unquoted: Unquoted): ErrorCode | undefined {
  if (body.estimatedMs !== undefined && status === 503) return 'model_loading';
  const text = ownWords(unquoted(body.message));
  const clientFault = (status ?? 500) < 500 && status !== 424;
  const found = textRules.find(({ pattern, serverFaultsOnly }) => !(serverFaultsOnly && clientFault) && pattern.test(text));
  if (found !== undefined) return found.code;
  // llama.cpp and Anthropic use this type for unknown paths too.
  return body.type === 'not_found_error' && text.startsWith('model:') ? 'model_not_found' : undefined;
}

/**
 * The part of a message in which the server speaks for itself: without the request it quotes after these marks, and
 * without what it recovered from. A prompt about GPU memory is not a GPU out of memory.
 */
function ownWords(message: string): string {
  const recovered = message.toLowerCase().lastIndexOf('retrying without pipeline parallelism');
  const rest = recovered === -1 ? message : message.slice(recovered);
  return rest.replace(/(?:; messages = |'input': |; last read: ).*/s, '');
}

function byStatus(body: ErrorBody, status: number | undefined): ErrorCode {
  if (status === undefined) {
    const known = body.status ?? impliedStatus.get(body.type?.toLowerCase() ?? '');
    if (known === undefined) return /^not found$/i.test(body.message) ? 'bad_response' : 'unavailable';
    return byStatus(body, known);
  }
  if (status === 404 && body.param === 'model') return 'model_not_found';
  return codeOfStatus(status);
}

function loadingMs(code: ErrorCode, { estimatedMs }: ErrorBody): number | undefined {
  return code === 'model_loading' ? boundedWaitMs(estimatedMs) : undefined;
}

/** A wait is told only where a later try makes sense; servers send the limits' reset times with every answer. */
function waitFor(code: ErrorCode, response: FailedResponse, wallMs: number): number | undefined {
  const { retry, effect } = errorCodes[code];
  const header = (name: string): string | null => response.header(name);
  if (!retry && effect !== 'rest') return undefined;
  return code === 'rate_limited' || code === 'quota_exhausted' ? retryAfterMs(header, wallMs) : explicitRetryAfterMs(header, wallMs);
}

function ofFault({ code, text, phase, reason: usual }: Fault, reason: string | undefined): Classified {
  return { code, text, retryAfterMs: undefined, reason: reason ?? usual, phase };
}

function faultOf(code: string | undefined, syscall: unknown): Fault | undefined {
  if (code === undefined) return undefined;
  // A connection that stood and then fell silent, as Node's own sockets report it.
  if (code === 'ETIMEDOUT' && (syscall === 'read' || syscall === 'write')) return faultCodes.get('ECONNRESET');
  return faultCodes.get(code) ?? faultFamilies.find(([pattern]) => pattern.test(code))?.[1];
}

interface Cause {
  readonly name: unknown;
  readonly code: string | undefined;
  readonly syscall: unknown;
  readonly message: string;
}

const maxCauses = 8;

/** The error, its cause, the cause's cause …; of several errors at once (one per address tried) the first. */
function causesOf(error: unknown): Cause[] {
  const causes: Cause[] = [];
  let current: unknown = error;
  while (typeof current === 'object' && current !== null && causes.length < maxCauses) {
    const { name, code, syscall, message, cause, errors } = current as Readonly<Record<string, unknown>>;
    const words = typeof message === 'string' ? message.slice(0, 1000) : '';
    causes.push({ name, code: isSystemName(code) ? code : undefined, syscall, message: words });
    current = cause ?? (Array.isArray(errors) ? (errors as unknown[])[0] : undefined);
  }
  return causes;
}

/** A server can put anything into its `type`, and keys have digits. */
function isTypeName(value: string | undefined): boolean {
  return value !== undefined && /^(?:\d{1,5}|[a-z_ .:-]{1,64})$/i.test(value);
}

function isSystemName(value: unknown): value is string {
  return typeof value === 'string' && /^\w{2,64}$/.test(value);
}
