import { type Clock, ConfigError, type ConfigIssue, systemClock } from '../index.ts';
import type { AdminOptions } from './admin-options.ts';

/** Options of `createHandler()`. */
export interface HandlerOptions {
  /**
   * Bearer tokens of callers, 16 characters at least. Left out, and without `authorize`: only requests of this machine, to a loopback
   * `Host`, are answered.
   */
  readonly tokens?: readonly string[] | undefined;
  /**
   * In place of `tokens`: who asks, as a name for limits and logs, or undefined for a refusal. It runs before the body is read and must
   * not read it.
   */
  readonly authorize?: ((request: Request) => string | undefined | Promise<string | undefined>) | undefined;
  /**
   * Names under which the server is reached, beside `localhost`, `127.0.0.1` and `[::1]`, without a port. Any other `Host` is refused,
   * with a valid token as well. `'any'` needs `tokens` or `authorize`.
   * @default []
   */
  readonly hosts?: readonly string[] | 'any' | undefined;
  /**
   * Origins of web pages that may call, like `https://app.example.com`; compared as they stand. Pages of the server's own origin always may.
   * @default []
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * What stands before the handler's own paths where it is mounted, like `/llm`.
   * @default ''
   */
  readonly basePath?: string | undefined;
  /** @default 4_194_304 (4 MiB) */
  readonly maxBodyBytes?: number | undefined;
  /**
   * For the whole body of a request.
   * @default 10_000
   */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * How long a reader may leave a stream unread before it is cut.
   * @default 30_000
   */
  readonly writeTimeoutMs?: number | undefined;
  /**
   * Calls at once, of all callers together; one more gets 429.
   * @default 256
   */
  readonly maxConcurrent?: number | undefined;
  /**
   * Calls at once of one caller: a token, or a name of `authorize`.
   * @default 64
   */
  readonly maxConcurrentPerCaller?: number | undefined;
  /** Calls of one caller per minute; a caller that was silent may make them all at once. Left out: no limit. */
  readonly maxPerMinute?: number | undefined;
  /**
   * Lets callers name, by header, a provider that costs money: in code naming one is consent to pay, over HTTP it is somebody else who names it.
   * @default false
   */
  readonly mayNamePaid?: boolean | undefined;
  /** Hears of every request when its answer has ended. Holds no prompt, no answer, no token and no query. */
  readonly onAccess?: ((entry: AccessEntry) => void) | undefined;
  /** Left out: there is no admin page. */
  readonly admin?: AdminOptions | undefined;
  /** Served at `GET /metrics`, to callers with a token; `collectMetrics()` of `inferlane/prometheus` makes it. Left out: there is no such path. */
  readonly metrics?: MetricsText | undefined;
  readonly clock?: Clock | undefined;
}

/** Figures for a monitor, as it reads them. */
export interface MetricsText {
  /** Of the text. */
  readonly contentType: string;
  /** As things stand now. */
  text(): Promise<string>;
}

/** One request, for a log. */
export interface AccessEntry {
  readonly requestId: string;
  readonly method: string;
  /** The pattern of the route, like `/v1/models/{id}`; undefined where there was none. */
  readonly route: string | undefined;
  readonly status: number;
  /** Until the last byte was handed over, or the caller had gone. */
  readonly ms: number;
  /** A number for each token, in the order of `tokens`, or the name that `authorize` gave. */
  readonly caller: string | undefined;
  readonly provider: string | undefined;
  readonly attempts: number | undefined;
  /** The caller went away, or was cut for not reading, before the end. */
  readonly cut: boolean;
}

/** Options with every gap filled. */
export interface HandlerConfig {
  readonly tokens: readonly string[];
  readonly authorize: HandlerOptions['authorize'];
  /** Lower case; undefined where any name will do. */
  readonly hosts: ReadonlySet<string> | undefined;
  readonly origins: ReadonlySet<string>;
  readonly basePath: string;
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  /** Infinity: a reader may take its time. */
  readonly writeTimeoutMs: number;
  readonly maxConcurrent: number;
  readonly maxConcurrentPerCaller: number;
  readonly maxPerMinute: number | undefined;
  readonly mayNamePaid: boolean;
  readonly onAccess: HandlerOptions['onAccess'];
  readonly admin: AdminOptions | undefined;
  readonly metrics: MetricsText | undefined;
  readonly clock: Clock;
}

/** Defaults of the handler; the reference page reads them. */
export const handlerDefaults = {
  basePath: '',
  maxBodyBytes: 4_194_304,
  bodyTimeoutMs: 10_000,
  writeTimeoutMs: 30_000,
  maxConcurrent: 256,
  maxConcurrentPerCaller: 64,
} as const;

export const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'] as const;

/** Tokens of examples and guides, which are the first that anybody tries. */
const sampleTokens = /^(?:test|change[-_ ]?me|secret|token|password|admin|sk-1234|example|your[-_ ]|xxx)/i;

/** @throws {ConfigError} with every issue, none of which shows a token. */
export function resolveHandlerOptions(options: HandlerOptions): HandlerConfig {
  const issues: ConfigIssue[] = [];
  const { tokens = [], authorize, hosts = [], origins = [], admin, metrics, clock = systemClock } = options;
  tokens.forEach((token, index) => refuseWeak(`tokens.${index}`, token, 16, issues));
  if (new Set(tokens).size < tokens.length) issues.push({ path: 'tokens', message: 'names one token twice' });
  if (tokens.length > 0 && authorize !== undefined) issues.push({ path: 'authorize', message: 'stands in place of tokens; leave one out' });
  if (hosts === 'any' && tokens.length === 0 && authorize === undefined) {
    issues.push({ path: 'hosts', message: '"any" needs tokens or authorize: without them anybody would be answered' });
  }
  if (hosts !== 'any') hosts.forEach((host, index) => refuseHost(`hosts.${index}`, host, issues));
  origins.forEach((origin, index) => refuseOrigin(`origins.${index}`, origin, issues));
  const { basePath = '' } = options;
  if (!/^(?:\/(?!\.+(?:\/|$))[A-Za-z0-9._~-]+)*$/.test(basePath)) {
    issues.push({ path: 'basePath', message: 'must be empty or like "/llm", without a slash at its end' });
  }
  if (admin !== undefined) {
    refuseWeak('admin.token', admin.token, 22, issues);
    if (tokens.includes(admin.token)) issues.push({ path: 'admin.token', message: 'must not be one of the tokens of callers' });
  }
  const figures = resolveFigures(options, issues);
  if (issues.length > 0) throw new ConfigError(issues);
  const names = hosts === 'any' ? undefined : new Set([...loopbackHosts, ...hosts].map((host) => host.toLowerCase()));
  const { onAccess, mayNamePaid = false } = options;
  const common = { basePath, ...figures, mayNamePaid, onAccess, admin, metrics, clock };
  return Object.freeze({ tokens, authorize, hosts: names, origins: new Set(origins), ...common });
}

type Figures = Pick<
  HandlerConfig,
  'maxBodyBytes' | 'bodyTimeoutMs' | 'writeTimeoutMs' | 'maxConcurrent' | 'maxConcurrentPerCaller' | 'maxPerMinute'
>;

function resolveFigures(options: HandlerOptions, issues: ConfigIssue[]): Figures {
  const { maxBodyBytes, bodyTimeoutMs, writeTimeoutMs, maxConcurrent, maxConcurrentPerCaller } = handlerDefaults;
  const usual: Figures = { maxBodyBytes, bodyTimeoutMs, writeTimeoutMs, maxConcurrent, maxConcurrentPerCaller, maxPerMinute: undefined };
  const figure = <Name extends keyof Figures>(name: Name): Figures[Name] => {
    const given = options[name];
    if (given === undefined) return usual[name];
    if (!Number.isSafeInteger(given) || given < 1) issues.push({ path: name, message: 'must be a whole number, 1 at least' });
    return given as Figures[Name];
  };
  return {
    maxBodyBytes: figure('maxBodyBytes'),
    bodyTimeoutMs: figure('bodyTimeoutMs'),
    writeTimeoutMs: figure('writeTimeoutMs'),
    maxConcurrent: figure('maxConcurrent'),
    maxConcurrentPerCaller: figure('maxConcurrentPerCaller'),
    maxPerMinute: figure('maxPerMinute'),
  };
}

/** 22 characters of base64 hold 128 bits. */
function refuseWeak(path: string, token: string, least: number, issues: ConfigIssue[]): void {
  if (typeof token !== 'string' || token.length < least || token.length > 4_096) {
    issues.push({ path, message: `must have ${least} characters at least and 4,096 at most; "openssl rand -base64 24" makes one` });
  } else if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(token)) {
    issues.push({ path, message: 'must be of visible ASCII characters without a comma, which is what a header can carry' });
  } else if (sampleTokens.test(token) || new Set(token).size < 8) {
    issues.push({ path, message: 'looks like the token of an example; "openssl rand -base64 24" makes one' });
  }
}

function refuseHost(path: string, host: string, issues: ConfigIssue[]): void {
  if (/^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/.test(host)) return;
  issues.push({ path, message: 'must be a name or an address without scheme, port and path, like "gpu-box.lan"' });
}

function refuseOrigin(path: string, origin: string, issues: ConfigIssue[]): void {
  const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin && /^https?:/.test(origin);
  if (!isOrigin) issues.push({ path, message: 'must be an origin as browsers send it, like "https://app.example.com", without a path' });
}
