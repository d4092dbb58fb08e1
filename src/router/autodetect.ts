import { parseProviderUrl } from '../config/provider-url.ts';
import { ConfigError, RouterError } from '../core/errors.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { ProviderType } from '../core/provider-types.ts';
import { orAborted } from '../lib/abort.ts';
import { classifyResponse } from '../lib/classify.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type AttemptDeadline, openDeadline } from '../lib/deadline.ts';
import { createErrorMaker } from '../lib/http-error.ts';
import { createHeaders, type HeaderSource } from '../lib/http-headers.ts';
import { Secret } from '../lib/secret.ts';
import { defaultTransport } from '../lib/default-transport.ts';
import type { Transport } from '../lib/transport.ts';
import { tunnelHeaders } from '../lib/tunnel.ts';
import { createProbes, type Probes } from './autodetect-probe.ts';
import { firstPaths, recognise } from './autodetect-rules.ts';

export interface AutodetectOptions {
  /** Sent as `Authorization: Bearer <key>`. Some servers tell what they are only to those who may ask. */
  readonly apiKey?: string | undefined;
  /** Sent with every question. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Aborting it rejects with its own reason, untouched. */
  readonly signal?: AbortSignal | undefined;
  /**
   * For all questions together, which go out side by side. What has answered by then decides.
   * @default 5_000
   */
  readonly timeoutMs?: number | undefined;
  /** Default: that of routers. */
  readonly transport?: Transport | undefined;
  readonly clock?: Clock | undefined;
}

/** What answers at an address: `{ type, url }` is a provider's configuration. */
export interface Detection {
  readonly type: ProviderType;
  /** The address as providers are configured: without `/v1`, trailing slash and credentials. */
  readonly url: string;
  /** What spoke for the type, in one sentence. */
  readonly evidence: string;
  readonly version?: string;
  /** The names of its models, where it told them. */
  readonly models?: readonly string[];
}

/** Clouds are known by their name; asking them without a key would tell nothing. */
const clouds: Readonly<Record<string, ProviderType>> = {
  'api.openai.com': 'openai',
  'api.anthropic.com': 'anthropic',
  'router.huggingface.co': 'huggingface',
  'api.together.ai': 'together',
  'api.together.xyz': 'together',
  'integrate.api.nvidia.com': 'nvidia',
};

/**
 * Finds out which server answers at an address, by asking for what only one of them has. Nothing is generated and nothing is
 * changed there. Throws `invalid_config` for what is no address, `unavailable` or `timeout` where nothing answers, `auth` where
 * it refuses to tell without a key, `bad_response` where it sends everybody elsewhere, and `unsupported` where no known server
 * answers. Messages name the host alone.
 */
export async function autodetect(url: string, options: AutodetectOptions = {}): Promise<Detection> {
  const { signal, timeoutMs = 5_000, transport = defaultTransport(), clock = systemClock } = options;
  signal?.throwIfAborted();
  const target = readUrl(url);
  const cloud = Object.hasOwn(clouds, target.hostname) ? clouds[target.hostname] : undefined;
  if (cloud !== undefined) return { type: cloud, url: target.url, evidence: `The host is ${target.hostname}.` };
  const headers = headersFor(target, options, clock);
  const deadline = openDeadline({
    clock,
    provider: target.host,
    signals: [signal],
    endsAtMs: clock.nowMs() + timeoutMs,
    endPhase: 'total',
  });
  try {
    const probes = createProbes({ url: target.url, transport, headers, signal: deadline.signal });
    const detected = detect(probes, target, headers, deadline, clock);
    return await orAborted(detected, signal);
  } finally {
    deadline.dispose();
    // Ends the questions that are still open.
    deadline.abort(undefined);
  }
}

interface Target {
  readonly url: string;
  /** With the port, for messages. */
  readonly host: string;
  readonly hostname: string;
  readonly authorization: string | undefined;
}

function readUrl(text: string): Target {
  const result = parseProviderUrl(text);
  if ('problems' in result) throw new ConfigError(result.problems.map((message) => ({ path: 'url', message })));
  const { url, authorization } = result.parsed;
  const { host, hostname } = new URL(url);
  return { url, host, hostname, authorization };
}

function headersFor({ url, host, authorization }: Target, options: AutodetectOptions, clock: Clock): HeaderSource {
  const { apiKey, headers } = options;
  return createHeaders({
    provider: host,
    headers: { ...tunnelHeaders(url), ...(authorization !== undefined && { authorization }), ...headers },
    keyHeader: 'authorization',
    apiKey: apiKey === undefined ? undefined : new Secret(apiKey),
    clock,
  });
}

async function detect(probes: Probes, target: Target, headers: HeaderSource, deadline: AttemptDeadline, clock: Clock): Promise<Detection> {
  for (const path of firstPaths) void probes.ask(path);
  const found = await recognise(probes.ask);
  if (found !== undefined) return { ...found, url: target.url };
  throw failureOf(probes, target, headers, deadline, clock);
}

/** Ways of saying "not now", which say nothing about what the server is. */
const notNow: ReadonlySet<ErrorCode> = new Set(['unavailable', 'timeout', 'overloaded', 'model_loading', 'rate_limited']);

/** Why nothing was recognised: nothing answered, it wants a key, something in front of it answered, or it is unknown. */
function failureOf(probes: Probes, { url, host }: Target, headers: HeaderSource, { signal }: AttemptDeadline, clock: Clock): unknown {
  const errors = createErrorMaker(host, url, headers.secrets);
  const refusals = probes.answers().map(({ answer }) => {
    const found = classifyResponse({ status: answer.status, header: answer.header, bodyText: answer.text }, clock.wallMs());
    return { found, status: answer.status, isBad: answer.status >= 300 };
  });
  const auth = refusals.find(({ found, isBad }) => isBad && found.code === 'auth');
  if (auth !== undefined) return errors.of(auth.found, auth.status, undefined);
  if (signal.aborted) return signal.reason;
  const [first] = refusals;
  const fault = probes.fault();
  if (first === undefined) return errors.of(fault ?? noAnswer, undefined, undefined);
  const inFront = refusals.every(({ found, isBad }) => isBad && (notNow.has(found.code) || found.reason === 'redirect'));
  if (inFront) return errors.of(first.found, first.status, undefined);
  const asked = probes.asked().join(', ');
  return new RouterError('unsupported', `${host}: something answers there, but no server that is known (asked for ${asked}).`);
}

const noAnswer = { code: 'unavailable', text: '', retryAfterMs: undefined, reason: undefined, phase: undefined } as const;
