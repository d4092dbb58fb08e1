import { http, HttpResponse, passthrough } from 'msw';
import { setupServer } from 'msw/node';
import { providerTypes } from '../../src/index.ts';
import { type BackendKind, fakeBackend, models } from '../../src/testing/index.ts';
import { isServer } from './parsed-block.ts';

/** A server to play; `type` is that of a provider, or the wire of a backend of one's own. */
export interface PlayedServer {
  readonly type: BackendKind;
  readonly url: string;
  /** Those that it lists. Left out: it lists none, and has what it is asked for. */
  readonly models?: readonly string[];
}

/** A network of servers that are played. What goes elsewhere fails, and is told. */
export interface Network {
  /** A server of this process. */
  letThrough(url: string): void;
  told(): { readonly calls: readonly string[]; readonly strangers: readonly string[] };
  close(): void;
}

const usual: readonly PlayedServer[] = Object.entries(providerTypes).flatMap(([type, { defaultUrl }]) =>
  isServer(type) && defaultUrl !== undefined ? [{ type, url: defaultUrl }] : [],
);
/** The second Ollama of a machine, for its processor. */
const second: PlayedServer = { type: 'ollama', url: 'http://127.0.0.1:11435' };

/** Where two stand at one address the first one answers, so those that were asked for come before the usual ones. */
export function openNetwork(servers: readonly PlayedServer[]): Network {
  const backends = [...servers, ...usual, second].map(({ type, url, models: known }) =>
    fakeBackend(type, known === undefined ? [] : models(known), { url }),
  );
  const own = new Set<string>();
  const strangers: string[] = [];
  const elsewhere = http.all('*', ({ request }) => {
    const { origin, pathname } = new URL(request.url);
    if (own.has(origin)) return passthrough();
    strangers.push(`${request.method} ${origin}${pathname}`);
    return HttpResponse.error();
  });
  const network = setupServer(...backends.flatMap(({ handlers }) => [...handlers]), elsewhere);
  network.listen({ onUnhandledFrame: 'error' });
  return {
    letThrough: (url) => void own.add(url),
    told: () => ({ calls: backends.flatMap(({ calls }) => calls.map(({ path }) => path)), strangers }),
    close: () => network.close(),
  };
}
