import { type AdminAttempts, createAdminAttempts } from './admin-attempts.ts';
import { HttpRefusal } from './failure.ts';
import type { HandlerConfig } from './handler-options.ts';
import { foreignOrigin, hostOf, isKnownHost, isKnownOrigin, isLoopback } from './origin-check.ts';
import type { Route } from './route.ts';
import { matchTokens, type TokenMatch, tokenOf } from './tokens.ts';

/** What the server below knows of the connection; headers that claim it are not believed. */
export interface Connection {
  /** Left out where the server tells none. An empty one is an address that could not be had, and is not taken for this machine's. */
  readonly remoteAddress?: string | undefined;
}

/** Who asks. */
interface Caller {
  /** For limits and logs: never a token. Undefined where nobody said who they are. */
  readonly name: string | undefined;
  /** May see detail. */
  readonly isTrusted: boolean;
}

/**
 * The one place that decides whether a request goes further.
 * @throws {HttpRefusal} 401 or 403.
 */
export interface Guard {
  /** Before anything of the request is looked at. */
  admitHost(request: Request, connection: Connection): void;
  identify(request: Request, route: Route): Promise<Caller>;
}

const noOrigins: ReadonlySet<string> = new Set();

export function createGuard(config: HandlerConfig): Guard {
  const isOpen = config.tokens.length === 0 && config.authorize === undefined;
  const matchCaller = matchTokens(config.tokens);
  const matchAdmin = matchTokens(config.admin === undefined ? [] : [config.admin.token]);
  const attempts = createAdminAttempts(config);
  return {
    admitHost(request, connection) {
      const isHere = !isOpen || (isLoopback(hostOf(request)) && isNear(connection));
      if (!isHere || !isKnownHost(request, config))
        throw forbidden('The host of the request is not one of this server.', 'host_not_allowed');
    },
    async identify(request, route) {
      const isAdmin = route.access === 'admin';
      const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
      // Of the admin page there is one, and it is our own.
      if ((isWrite || isAdmin) && !isKnownOrigin(request, isAdmin ? noOrigins : config.origins)) throw foreignOrigin();
      if (isAdmin) return identifyAdmin(request, isWrite, matchAdmin, attempts);
      if (isOpen) return { name: undefined, isTrusted: true };
      const name = await nameOf(request, config, matchCaller);
      if (name !== undefined) return { name, isTrusted: true };
      if (route.access === 'public') return { name: undefined, isTrusted: false };
      throw unauthorized();
    },
  };
}

async function nameOf(request: Request, { authorize }: HandlerConfig, match: TokenMatch): Promise<string | undefined> {
  if (authorize !== undefined) {
    // Without types it may give null or false for "nobody", and neither may pass for a name.
    const name: unknown = await authorize(request);
    return typeof name === 'string' && name !== '' ? name : undefined;
  }
  // An empty text is no token, but it takes as long to find out.
  const index = await match(tokenOf(request.headers) ?? '');
  return index === undefined ? undefined : `token ${index + 1}`;
}

/** The page sends a header that forms and foreign pages cannot. Its token has one place, which is not that of Anthropic's clients. */
async function identifyAdmin({ headers }: Request, isWrite: boolean, match: TokenMatch, attempts: AdminAttempts): Promise<Caller> {
  const given = headers.has('x-api-key') ? undefined : tokenOf(headers);
  if ((await match(given ?? '')) === undefined) throw attempts.wrong() ?? unauthorized();
  if (isWrite && headers.get('x-inferlane-admin') !== '1') throw forbidden('The header x-inferlane-admin is missing.', 'csrf');
  return { name: 'admin', isTrusted: true };
}

/** Behind a proxy on this machine everybody is near; then the host is what tells them apart. */
function isNear({ remoteAddress }: Connection): boolean {
  return remoteAddress === undefined || /^(?:::1|(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(remoteAddress);
}

function forbidden(message: string, code: string): HttpRefusal {
  return new HttpRefusal({ status: 403, code, message });
}

/** One text and one path for every wrong token: missing, empty, unknown, twice. */
function unauthorized(): HttpRefusal {
  const headers = { 'www-authenticate': 'Bearer' };
  return new HttpRefusal({ status: 401, code: 'invalid_token', message: 'A valid bearer token is needed.', headers });
}
