import type { Clock, Router } from '../index.ts';
import { anthropicRoutes } from './anthropic-routes.ts';
import { type ErrorShape, HttpRefusal } from './failure.ts';
import { toWebStream } from './frame-source.ts';
import { resolveHandlerOptions } from './handler-options.ts';
import { createMatcher, type Matcher } from './match-route.ts';
import { ollamaRoutes } from './ollama-routes.ts';
import { openaiRoutes } from './openai-routes.ts';
import { contentOf } from './respond.ts';
import { type Handler, handlerOf } from './serve-request.ts';

const routes = [...openaiRoutes, ...anthropicRoutes, ...ollamaRoutes];

/** Some base URLs of OpenAI's API have no `/v1`. Of two endings that fit, the longer one is meant, and a model's name comes last. */
const endings: readonly { readonly pattern: RegExp; readonly root: string }[] = routes
  .map((route) => {
    const root = openaiRoutes.includes(route) ? '/v1' : '';
    return { root, ending: route.path.slice(root.length) };
  })
  .toSorted(
    (left, right) => Number(left.ending.includes('{')) - Number(right.ending.includes('{')) || right.ending.length - left.ending.length,
  )
  .map(({ root, ending }) => ({ root, pattern: new RegExp(`${ending.replace('{id}', '[^/]+')}$`) }));

const nothingThere = {
  status: 404,
  code: 'not_found',
  message:
    'router.fetch answers chat completions, completions, embeddings and models of OpenAI, messages of Anthropic, and chat, generate, embed, show, tags and version of Ollama. This path is none of them, and nothing is sent anywhere.',
} as const;

const matchRoute = createMatcher(routes, '');

/** The route that a path ends with, wherever its client believes the server to be. */
const matchEnding: Matcher = (method, url) => {
  const { pathname } = new URL(url);
  for (const { pattern, root } of endings) {
    const found = pattern.exec(pathname);
    if (found !== null) return matchRoute(method, `http://localhost${root}${found[0]}`);
  }
  throw new HttpRefusal(nothingThere);
};

/** Where no route is found, the client tells by its own ways which API it speaks. */
function shapeOf({ headers, url }: Request): ErrorShape {
  if (headers.has('anthropic-version')) return 'anthropic';
  return /\/api\/[^/]+$/.test(new URL(url).pathname) ? 'ollama' : 'openai';
}

/** Nobody stands between this process and itself: no host, no token, no limit of calls, and naming a paid provider is consent. */
function handlerFor(router: Router, clock: Clock): Handler {
  // A reader that lets its process wait for a person is no client that has hung up.
  const config = { ...resolveHandlerOptions({ clock, mayNamePaid: true }), writeTimeoutMs: Infinity };
  return handlerOf({
    router,
    config,
    guard: {
      // In the way of other methods, `match` refuses it.
      admitHost: ({ method, url }) => void (method === 'OPTIONS' && matchEnding(method, url)),
      identify: () => Promise.resolve({ name: undefined, isTrusted: true }),
    },
    limits: { enter: () => () => undefined },
    match: matchEnding,
    shapeOf,
  });
}

/** See `Router.fetch`. */
export function createFetch(router: Router, clock: Clock): Router['fetch'] {
  const handler = handlerFor(router, clock);
  return async (input, init) => {
    const signal = signalOf(input, init);
    const response = await orAborted(handler(requestOf(input, init)), signal);
    // The router has tried what there is to try: a client that does it all again multiplies the load on servers in trouble.
    if (!response.ok) response.headers.set('x-should-retry', 'false');
    return signal === undefined ? response : untilAborted(response, signal);
  };
}

function requestOf(input: string | URL | Request, init: RequestInit | undefined): Request {
  if (input instanceof Request) return new Request(input, init);
  const text = String(input);
  // The platform's own errors repeat the whole URL.
  if (!URL.canParse(text)) throw new TypeError('router.fetch takes an absolute URL, or a Request.');
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return new Request(url, { ...init, ...(init?.body instanceof ReadableStream && { duplex: 'half' }) });
}

function signalOf(input: string | URL | Request, init: RequestInit | undefined): AbortSignal | undefined {
  if (init?.signal !== undefined) return init.signal ?? undefined;
  return input instanceof Request ? input.signal : undefined;
}

/** Rejects with the signal's reason, as `fetch` does, and then lets nobody read the answer. */
function orAborted(answer: Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    void answer.then((response) => {
      signal.removeEventListener('abort', onAbort);
      if (!signal.aborted) return resolve(response);
      void response.body?.cancel();
      return onAbort();
    });
  });
}

/** A streamed answer whose reader gets the signal's reason, as a body of `fetch` gives it. */
function untilAborted(response: Response, signal: AbortSignal): Response {
  const content = contentOf(response);
  return typeof content === 'object' ? new Response(toWebStream(content, signal), response) : response;
}
