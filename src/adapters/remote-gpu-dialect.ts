import { isRouterError } from '../core/errors.ts';
import { orAborted } from '../lib/abort.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject } from '../lib/json.ts';

export type KnownDialect = 'notebook' | 'proxy' | 'tgi';

export interface DialectSource {
  /** Asks the server the first time. Callers that ask together share one probe, and each leaves it with its own signal. */
  of(signal: AbortSignal): Promise<KnownDialect>;
  /** The next caller asks again. */
  forget(): void;
}

/** What a server's `/generate` speaks, found out once. A probe that fails is not remembered. */
export function createDialectSource(http: HttpClient): DialectSource {
  let known: KnownDialect | undefined;
  let running: Probe | undefined;
  const begin = (): Probe => {
    const controller = new AbortController();
    const probe: Probe = { promise: askDialect(http, controller.signal), controller, waiting: 0 };
    const end = (): void => {
      if (running === probe) running = undefined;
    };
    probe.promise.then((dialect) => {
      known = dialect;
      end();
    }, end);
    return probe;
  };
  return {
    async of(signal) {
      if (known !== undefined) return known;
      const probe = (running ??= begin());
      probe.waiting += 1;
      try {
        return await orAborted(probe.promise, signal);
      } finally {
        probe.waiting -= 1;
        if (probe.waiting === 0) {
          // Nobody waits any more: the next caller begins anew, and this probe's connection is freed.
          if (running === probe) running = undefined;
          probe.controller.abort();
        }
      }
    },
    forget: () => void (known = undefined),
  };
}

interface Probe {
  readonly promise: Promise<KnownDialect>;
  readonly controller: AbortController;
  waiting: number;
}

/** TGI's `/info` names its router; the proxy's `/models` is a bare list that names where each model is. A notebook has neither. */
async function askDialect(http: HttpClient, signal: AbortSignal): Promise<KnownDialect> {
  const info = await orAbsent(http.getJson('/info', signal));
  if (isTgiInfo(info)) return 'tgi';
  return isProxyList(await orAbsent(http.getJson('/models', signal))) ? 'proxy' : 'notebook';
}

function isTgiInfo(info: unknown): boolean {
  if (!isJsonObject(info)) return false;
  return typeof info['router'] === 'string' || (typeof info['model_id'] === 'string' && Number.isFinite(info['max_total_tokens']));
}

function isProxyList(list: unknown): boolean {
  return Array.isArray(list) && list.some((model) => isJsonObject(model) && ('hf_name' in model || 'endpoint' in model));
}

/**
 * Undefined where a server that is up has no such path. A server that is down, or a tunnel that answers in its place, has not
 * said what it speaks.
 */
async function orAbsent(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (isRouterError(error) && isNoSuchPath(error.code, error.status)) return undefined;
    throw error;
  }
}

function isNoSuchPath(code: string, status: number | undefined): boolean {
  if (code === 'bad_response') return status === undefined || (status >= 400 && status < 500);
  return code === 'unsupported' || code === 'bad_request' || code === 'model_not_found';
}
