import { expect, test } from 'vitest';
import {
  createRouter,
  type ProviderOptions,
  providerTypes,
  type RouterOptions,
  type Transport,
  type TransportRequest,
} from '../../src/index.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';
import { hello, servedBy } from './admin-kit.ts';

// Every secret of the options holds this word, in whatever form it may come out.
const canary = /canary|Y2FuYXJ5|bmFyeS|YW5hcn/i;

const secrets = {
  apiKey: 'canary-key-0123456789',
  headers: { 'x-team': 'canary-header-0123456789', authorization: 'Bearer canary-token-0123456789' },
} as const;

const types = Object.keys(providerTypes) as (keyof typeof providerTypes)[];

/** One provider of each type, each with all the secrets that its type takes. */
function providers(): Record<string, ProviderOptions> {
  const all = types.map((type, index): [string, ProviderOptions] => {
    const usual = { type, defaultModel: 'm', embeddingModel: 'e', priority: index } as const;
    if (type === 'cpu') return [type, { ...usual, modelPath: '/canary/model.gguf' }];
    if (type === 'stub') return [type, { type, reply: 'canary of a reply' }];
    const url = `http://127.0.0.1:${9_100 + index}/canary-path`;
    const inUrl = url.replace('//', '//canary-user:canary-password-0123456789@');
    return [type, index % 2 === 0 ? { ...usual, url, ...secrets } : { ...usual, url: inUrl, apiKey: () => secrets.apiKey }];
  });
  return Object.fromEntries(all);
}

const echo = ({ url, headers }: TransportRequest): string => `no: ${url} ${Object.values(headers).join(' ')} ${JSON.stringify(headers)}`;

const refuses = (status: number, request: TransportRequest): Response => {
  const body = JSON.stringify({ error: { message: echo(request), type: echo(request), code: echo(request) } });
  return new Response(body, { status, headers: { 'content-type': 'application/json' } });
};

/** How servers fail that repeat all that they were sent. */
const failures: Record<string, (request: TransportRequest) => Response> = {
  'do not answer': (request) => {
    throw Object.assign(new TypeError(`fetch failed: ${echo(request)}`), { cause: new Error(echo(request)) });
  },
  'refuse the key': (request) => refuses(401, request),
  'refuse the request': (request) => refuses(400, request),
  fail: (request) => refuses(500, request),
  'send a page': (request) => new Response(`<html>${echo(request)}</html>`, { status: 502, headers: { 'content-type': 'text/html' } }),
};

function transportThat(fails: (request: TransportRequest) => Response): Transport {
  return {
    async send(request) {
      const response = fails(request);
      return { status: response.status, header: (name) => response.headers.get(name), body: response.body, text: () => response.text() };
    },
  };
}

/** Time goes on, and so do the files that the provider in this process looks for. */
async function inTime<Value>(clock: TestClock, promise: Promise<Value>): Promise<Value> {
  const waiting = new Set([promise]);
  const end = (): void => void waiting.clear();
  promise.then(end, end);
  while (waiting.size > 0) {
    await clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}

test.each(Object.keys(failures))(
  'when servers %s, no answer of the admin page holds a key, a header, a path or a password',
  async (how) => {
    const clock = testClock();
    const transport = transportThat(failures[how] ?? (() => Response.error()));
    const options: RouterOptions = {
      clock,
      transport,
      random: () => 0.5,
      health: false,
      checkModels: true,
      allowPaid: true,
      providers: providers(),
    };
    const router = createRouter(options);
    const { get, post, changes } = servedBy(router, options, clock);
    const told = new Map<string, string>();
    const keep = async (name: string, response: Response): Promise<void> => {
      told.set(name, `${JSON.stringify([...response.headers])}${await response.text()}`);
    };
    const heard = get('/admin/api/events').then((events) => keep('events', events));
    await keep('page', await get('/admin'));
    for (const provider of types) {
      await keep(`test ${provider}`, await inTime(clock, post('/admin/api/test-provider', { provider })));
      const asked = await post('/admin/api/playground', { prompt: 'hi', provider });
      // The reply of the stub is there to be read.
      if (provider === 'stub') await asked.body?.cancel();
      else await inTime(clock, keep(`playground ${provider}`, asked));
    }
    await inTime(clock, router.tryChat(hello, { without: ['stub'] }));
    await keep('state', await inTime(clock, get('/admin/api/state')));
    await keep('settings', await post('/admin/api/settings', { providers: { openai: { apiKey: 'canary-new-key' } } }));
    await keep('refused', await post('/admin/api/settings', { providers: { openai: { apiKey: 'canary key', weight: -1 } } }));
    await keep('not allowed', await post('/admin/api/settings', { providers: { openai: { url: 'http://canary' } } }));
    await keep('unpin', await post('/admin/api/unpin', {}));
    await keep('state again', await inTime(clock, get('/admin/api/state')));
    await router.close();
    await inTime(clock, heard);
    await keep('closed', await get('/admin/api/state'));

    expect(told.size).toBe(2 * types.length - 1 + 9);
    expect(told.get('events')).toContain('"name":"config:update"');
    expect(told.get('events')).toContain('"name":"attempt:error"');
    expect([...told].filter(([, text]) => canary.test(text)).map(([name]) => name)).toEqual([]);
    expect(JSON.stringify(changes)).not.toMatch(canary);
    expect(changes.map(({ keys }) => keys)).toContainEqual(['providers.openai.apiKey']);
  },
  30_000,
);
