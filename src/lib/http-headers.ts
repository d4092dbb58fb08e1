import { RouterError } from '../core/errors.ts';
import { bounded } from './bounded.ts';
import type { Clock } from './clock.ts';
import type { Secret } from './secret.ts';

/** A key, or the application's own function that is asked before each request. */
export type KeySource = Secret | (() => string | Promise<string>);

interface HeaderOptions {
  readonly provider: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Which header carries the key: `authorization` as `Bearer <key>`, another as it is. */
  readonly keyHeader: string;
  readonly apiKey: KeySource | undefined;
  readonly clock: Clock;
}

export interface HeaderSource {
  /** A record of its own for each request. At once, where no function has to be asked for the key. */
  of(accept: string, hasBody: boolean): Record<string, string> | Promise<Record<string, string>>;
  /** The values that must never stand in a message. */
  secrets(): readonly string[];
}

/** The `reason` of an `auth` error that no server gave: the application's own function for the key failed. */
export const keyFunctionFailed = 'key_function_failed';

/** Of the keys that a function gave, these are kept to be masked. */
const mostKeys = 16;

/** A key function may hang, so it is bounded. */
const keyFunctionMs = 5_000;

/** The headers of one provider: its own key and nothing of the caller's. The only place where a key is revealed. */
export function createHeaders(options: HeaderOptions): HeaderSource {
  const { apiKey, keyHeader } = options;
  // Capitals make no difference in names; two of one name would go out as one header with both values.
  const headers = Object.fromEntries(Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value]));
  // Requests with older ones may still be under way. The newest last.
  const keys = new Set<string>(typeof apiKey === 'object' ? [apiKey.reveal()] : []);
  const remember = (key: string): string => {
    keys.delete(key);
    keys.add(key);
    const [oldest] = keys;
    if (oldest !== undefined && keys.size > mostKeys) keys.delete(oldest);
    return key;
  };
  const keyName = keyHeader.toLowerCase();
  /** By whether there is a body, and what is accepted: the key does not change. */
  const built = { withBody: new Map<string, Record<string, string>>(), alone: new Map<string, Record<string, string>>() };
  const build = (accept: string, hasBody: boolean, key: string | undefined): Record<string, string> => {
    // Compressed answers would have to be unpacked before their size is known.
    const made: Record<string, string> = { accept, 'accept-encoding': 'identity', 'user-agent': 'inferlane' };
    if (hasBody) made['content-type'] = 'application/json';
    if (key !== undefined) made[keyName] = keyName === 'authorization' ? `Bearer ${key}` : key;
    return Object.assign(made, headers);
  };
  return {
    of(accept, hasBody) {
      if (typeof apiKey === 'function') return askForKey(options, apiKey).then((key) => build(accept, hasBody, remember(key)));
      const known = hasBody ? built.withBody : built.alone;
      if (!known.has(accept)) known.set(accept, build(accept, hasBody, apiKey?.reveal()));
      return { ...known.get(accept) };
    },
    secrets: () => [...keys, ...Object.values(headers)],
  };
}

async function askForKey({ provider, clock }: HeaderOptions, apiKey: () => string | Promise<string>): Promise<string> {
  const source = `The apiKey function of provider "${provider}"`;
  const late = new RouterError('auth', `${source} failed, or took longer than ${keyFunctionMs} ms.`, {
    provider,
    reason: keyFunctionFailed,
  });
  let key: unknown;
  try {
    key = await bounded(Promise.resolve(apiKey()), keyFunctionMs, late, clock);
  } catch {
    // What it threw may hold the key, so it is not repeated.
    throw late;
  }
  if (typeof key === 'string' && /^[\x21-\x7e]+$/.test(key)) return key;
  throw new RouterError('auth', `${source} must give a string that can stand in a header.`, {
    provider,
    reason: keyFunctionFailed,
  });
}
