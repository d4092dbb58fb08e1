import { errorCodes, type ErrorCode } from './error-codes.ts';

/**
 * Where in an attempt something happened: `connect` no response was seen at all, `first-token` before the first content,
 * `throughput` too slow in its first content, `idle` between two pieces, `total` the limit of one attempt, `deadline` the limit of
 * the whole call.
 */
export type Phase = 'connect' | 'first-token' | 'throughput' | 'idle' | 'total' | 'deadline';

/**
 * Why no further candidate was tried. `retry-budget`: those that were left have failed so often of late that they get first attempts
 * only.
 */
export type StoppedBecause = 'exhausted' | 'max-attempts' | 'deadline' | 'retry-budget';

export interface FailedAttempt {
  readonly provider: string;
  readonly model: string | undefined;
  readonly error: RouterError;
}

/** A candidate that was left out, with the reason as a sentence. */
export interface SkippedCandidate {
  readonly provider: string;
  readonly model: string | undefined;
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface ErrorDetails {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly phase?: Phase | undefined;
  /** The HTTP status the provider answered with. */
  readonly status?: number | undefined;
  /** Milliseconds after which another try makes sense. */
  readonly retryAfterMs?: number | undefined;
  /** The system's short name for a connection fault (`ECONNREFUSED`), or the server's own error type. */
  readonly reason?: string | undefined;
  /** Only ever one of our own errors: foreign ones carry URLs, headers and bodies in their texts. */
  readonly cause?: RouterError | undefined;
  readonly attempts?: readonly FailedAttempt[] | undefined;
  readonly skipped?: readonly SkippedCandidate[] | undefined;
  readonly stoppedBecause?: StoppedBecause | undefined;
}

/** Every failure of this library but two: the caller's own abort reason, and a bug. Safe to log: no key, prompt or full URL. */
export class RouterError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = 'RouterError';
  readonly code: Code;
  // Declared alone: what is not known is no field, so a print of the fields is one of what is known.
  declare readonly provider: string | undefined;
  declare readonly model: string | undefined;
  declare readonly phase: Phase | undefined;
  declare readonly status: number | undefined;
  declare readonly retryAfterMs: number | undefined;
  declare readonly reason: string | undefined;
  declare readonly attempts: readonly FailedAttempt[];
  declare readonly skipped: readonly SkippedCandidate[];
  declare readonly stoppedBecause: StoppedBecause | undefined;

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause && { cause: details.cause });
    this.code = code;
    if (details.provider !== undefined) this.provider = details.provider;
    if (details.model !== undefined) this.model = details.model;
    if (details.phase !== undefined) this.phase = details.phase;
    if (details.status !== undefined) this.status = details.status;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.attempts !== undefined) setList(this, 'attempts', details.attempts);
    if (details.skipped !== undefined) setList(this, 'skipped', details.skipped);
    if (details.stoppedBecause !== undefined) this.stoppedBecause = details.stoppedBecause;
  }

  /** The safe view that events, traces and HTTP bodies use. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, provider, model, phase, status, retryAfterMs, reason, stoppedBecause } = this;
    const attempts = this.attempts.length > 0 ? this.attempts : undefined;
    return { name, code, message, provider, model, phase, status, retryAfterMs, reason, stoppedBecause, attempts };
  }
}

/**
 * A field that is asked for its value. Of an error that nobody caught Node prints whatever lies in the fields and asks nobody how, and the
 * stacks of the attempts would bury the message; of these it prints that they are there. Whoever reads, copies or logs them sees lists.
 */
function listField(slot: symbol): { readonly slot: symbol; readonly field: PropertyDescriptor } {
  const get = function (this: { readonly [slot: symbol]: unknown }): unknown {
    return this[slot];
  };
  return { slot, field: { get, enumerable: true, configurable: true } };
}

const lists = { attempts: listField(Symbol('attempts')), skipped: listField(Symbol('skipped')) } as const;

function setList(error: RouterError, name: keyof typeof lists, list: readonly unknown[]): void {
  if (list.length === 0) return;
  const { slot, field } = lists[name];
  Object.defineProperty(error, slot, { value: list });
  Object.defineProperty(error, name, field);
}

const absent = { value: undefined, writable: true };
const empty = { value: Object.freeze([]), writable: true };
/** What an error says of that which it was not told. */
Object.defineProperties(RouterError.prototype, {
  provider: absent,
  model: absent,
  phase: absent,
  status: absent,
  retryAfterMs: absent,
  reason: absent,
  stoppedBecause: absent,
  attempts: empty,
  skipped: empty,
});

type Inspect = (value: unknown, options: unknown) => string;

/**
 * What `console.error()` and `util.inspect()` of Node show: the stack, and beneath it what is known. The attempts' own stacks would be a
 * hundred lines that say nothing more.
 */
function inspected(this: RouterError, _depth: number, options: unknown, inspect: Inspect): string {
  const { name, message, attempts: _attempts, ...all } = this.toJSON();
  const known = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const attempts = this.attempts.map(
    ({ provider, model, error: { code } }) => `${provider}${model === undefined ? '' : ` (${model})`}: ${code}`,
  );
  const shown = { ...known, ...(attempts.length > 0 && { attempts }), ...(this.cause !== undefined && { cause: this.cause }) };
  return `${this.stack ?? `${String(name)}: ${String(message)}`} ${inspect(shown, options)}`;
}
Object.defineProperty(RouterError.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: inspected });

/** Every candidate failed; `attempts` holds what each one said, `skipped` the ones that were not tried. */
export class AllFailedError extends RouterError<'all_failed'> {
  override readonly name = 'AllFailedError';

  constructor(message: string, details: ErrorDetails & { readonly attempts: readonly FailedAttempt[] }) {
    super('all_failed', message, details);
  }
}

export interface ConfigIssue {
  /** Dotted path of the option, or the name of the environment variable. */
  readonly path: string;
  readonly message: string;
}

/** Options, environment or file refused; every issue at once. */
export class ConfigError extends RouterError<'invalid_config'> {
  override readonly name = 'ConfigError';
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    const lines = issues.map(({ path, message }) => `  ${path === '' ? '(options)' : path}: ${message}`);
    super('invalid_config', `The configuration has ${issues.length} ${issues.length === 1 ? 'issue' : 'issues'}:\n${lines.join('\n')}`);
    this.issues = issues;
  }
}

/** A registered symbol, so that an error of a second copy of the package is recognised too. */
const brand = Symbol.for('inferlane.error');
Object.defineProperty(RouterError.prototype, brand, { value: true });

/** True for the errors of this library, of any copy of it; with `code`, for that one kind. */
export function isRouterError(value: unknown): value is RouterError;
export function isRouterError<Code extends ErrorCode>(value: unknown, code: Code): value is RouterError<Code>;
export function isRouterError(value: unknown, code?: ErrorCode): value is RouterError {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || (value as { code?: unknown }).code === code;
}

/** The HTTP status for an error: the last attempt's where every candidate failed, otherwise the table's. */
export function httpStatusOf(error: RouterError): number {
  const last = error.code === 'all_failed' ? error.attempts.at(-1) : undefined;
  const code = last?.error.code ?? error.code;
  // An error of a newer copy of the package may have a code that this table lacks.
  return Object.hasOwn(errorCodes, code) ? errorCodes[code].status : 500;
}
