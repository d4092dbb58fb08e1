import { providerTypes, RouterError, systemClock } from '../index.ts';
import type { BackendKind, BackendOptions, FakeBackend, ListeningBackend, Matcher, Rule, Script, StateItem } from './backend.ts';
import { checkScript } from './check-script.ts';
import { createHandlers } from './msw-handlers.ts';
import { openRawServer, type RawServer } from './raw-server.ts';
import { createPlayer } from './script-player.ts';
import type { Step } from './script.ts';
import { openVisit, type Books } from './visit.ts';
import { wireOf } from './wires/index.ts';
import type { FakeModel, FakeResident } from './wire.ts';

/** Steps for the calls that fit the matcher. They come before the plain steps, and have an order of their own. */
export function when(matcher: Matcher, ...steps: readonly Step[]): Rule {
  return { when: matcher, steps };
}

/** The models that the server lists. */
export function models(list: readonly (FakeModel | string)[]): StateItem {
  return { models: list.map((model) => (typeof model === 'string' ? { id: model } : model)) };
}

/** The models that the server has in memory. */
export function resident(list: readonly (FakeResident | string)[]): StateItem {
  return { resident: list.map((model) => (typeof model === 'string' ? { id: model } : model)) };
}

/**
 * A backend that answers by a script, in the literal bytes of its kind: to msw by `handlers`, or as a real server by `listen()`.
 * Both play one script and keep one record.
 * @throws {RouterError} `invalid_config` for a type without a server, what is no script, and a failure that the server does not know.
 */
export function fakeBackend(kind: BackendKind, script: Script = [], options: BackendOptions = {}): FakeBackend {
  const { clock = systemClock } = options;
  const wire = wireOf(kind);
  checkScript(script, wire);
  const player = createPlayer(script, clock);
  const { models: known = [], resident: loaded = [] } = player;
  const books: Books = { wire, clock, player, models: known, resident: loaded, calls: [], requests: [], running: 0 };
  return createBackend(books, addressOf(kind, options.url));
}

function addressOf(kind: BackendKind, given: string | undefined): string {
  const usual = typeof kind === 'string' ? providerTypes[kind].defaultUrl : undefined;
  const name = typeof kind === 'string' ? kind : kind.name;
  const url = given ?? usual ?? `http://${name}.test`;
  if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) {
    throw new RouterError('invalid_config', `Fake backend '${name}': url is no address; write it like http://127.0.0.1:8000.`);
  }
  // Like a provider's: with or without `/v1`, which is part of the paths that the server knows.
  return url.replace(/\/+$/, '').replace(/\/v1$/, '');
}

function createBackend(books: Books, ownUrl: string): FakeBackend {
  const servers: RawServer[] = [];
  const viewAt = (url: string): FakeBackend => ({
    name: books.wire.name,
    url,
    get handlers() {
      return createHandlers(ownUrl, (arrival) => openVisit(arrival, books));
    },
    listen: async () => listening(await open()),
    play(script) {
      checkScript(script, books.wire);
      books.player = createPlayer(script, books.clock);
      books.models = books.player.models ?? books.models;
      books.resident = books.player.resident ?? books.resident;
    },
    calls: books.calls,
    requests: books.requests,
    get aborted() {
      return books.calls.filter(({ aborted }) => aborted).length;
    },
    openSockets: () => servers.reduce((sum, { sockets }) => sum + sockets.size, 0),
  });
  const open = async (): Promise<RawServer> => {
    const server = await openRawServer((arrival) => openVisit(arrival, books));
    servers.push(server);
    return server;
  };
  const listening = (server: RawServer): ListeningBackend => {
    const { close } = server;
    return Object.assign(viewAt(server.url), { close, [Symbol.asyncDispose]: close });
  };
  return viewAt(ownUrl);
}
