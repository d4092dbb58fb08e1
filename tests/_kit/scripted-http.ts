import { RouterError } from '../../src/core/errors.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { byteStream } from './byte-stream.ts';

export interface ScriptedHttp {
  readonly provider: string;
  readonly http: HttpClient;
  /** What was asked, in order: path and, for posts, the body as the wire would carry it. */
  readonly asked: { readonly path: string; readonly body?: unknown }[];
}

/** A network that answers each path from a table: a value, an error that is thrown, or a function of the body. */
export function scriptedHttp(table: Readonly<Record<string, unknown>>): ScriptedHttp {
  const asked: { path: string; body?: unknown }[] = [];
  const ask = async <Value>(path: string, body?: unknown): Promise<Value> => {
    const sent = body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as unknown);
    asked.push(sent === undefined ? { path } : { path, body: sent });
    if (!(path in table)) throw new RouterError('bad_request', `box: ${path} is not there.`, { provider: 'box', status: 404 });
    const value = table[path];
    if (value instanceof Error) throw value;
    return (typeof value === 'function' ? (value as (body: unknown) => unknown)(sent) : value) as Value;
  };
  const http: HttpClient = {
    postJson: ask,
    getJson: (path) => ask(path),
    getText: (path) => ask(path),
    openStream: async (path, body) => byteStream([await ask<string>(path, body)]),
    errorIn: () => undefined,
    badResponse: (text) => new RouterError('bad_response', `box: ${text}`, { provider: 'box' }),
  };
  return { provider: 'box', http, asked };
}
