import { basicAuthorization } from './credentials.ts';

interface ProviderUrl {
  /** Origin and path, without trailing slash and without `/v1`. */
  readonly url: string;
  /** A header made of the user name and the password that stood in the address. */
  readonly authorization: string | undefined;
  /** It named the address that a server binds to, and was changed to the one that a client can reach. */
  readonly wasBindAddress: boolean;
}

export type ParsedUrl = { readonly parsed: ProviderUrl } | { readonly problems: readonly string[] };

/** No platform's `fetch` opens these (WHATWG Fetch, "port blocking"); it would look like a network fault at every call. */
const blockedPorts: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117,
  119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636,
  989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** A server told to listen there listens on every address; a client has to name one. */
const reachable: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

const longestUrl = 2_048;

/** An address in the one spelling that all names of this machine share: for comparisons, never for the wire. */
export function plainUrl(url: string): string {
  return url.replace(/(?<=^https?:\/\/)(?:localhost|\[::1\])(?=[:/]|$)/, '127.0.0.1');
}

/** Reads the address of a server. The problems never repeat it, because it may hold a password. */
export function parseProviderUrl(text: string): ParsedUrl {
  const url = text.length > longestUrl ? undefined : toUrl(text);
  if (url === undefined) return { problems: ['is no address; write it like http://127.0.0.1:11434'] };
  const problems = problemsOf(url, text);
  if (problems.length > 0) return { problems };
  const authorization = authorizationOf(url);
  if (authorization === null) return { problems: ['has a % in the user name or password that stands for nothing; write %25'] };
  const host = reachable[url.hostname];
  if (host !== undefined) url.hostname = host;
  return { parsed: { url: url.origin + basePath(url.pathname), authorization, wasBindAddress: host !== undefined } };
}

function toUrl(text: string): URL | undefined {
  try {
    return new URL(text.trim());
  } catch {
    return undefined;
  }
}

function problemsOf(url: URL, text: string): readonly string[] {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return ['must begin with http:// or https://'];
  const port = url.port === '' ? undefined : Number(url.port);
  return [
    /[\\\p{Cc}]/u.test(text.trim()) ? 'holds a backslash or a control character; use / and nothing invisible' : hostProblem(url, text),
    port !== undefined && blockedPorts.has(port) ? `has port ${port}, which no fetch opens; let the server listen on another` : undefined,
    text.includes('?') ? 'has a query; only the address of the server belongs here (keys go into apiKey or headers)' : undefined,
    text.includes('#') ? 'has a fragment; only the address of the server belongs here' : undefined,
  ].filter((problem) => problem !== undefined);
}

/**
 * A host that reads as another one than it is written (an IP address as one number, letters of another script, an escaped
 * dot) hides where requests go, so it has to be written as it is read.
 */
function hostProblem(url: URL, text: string): string | undefined {
  const written = /^https?:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/:?#]*)/i.exec(text.trim())?.[1]?.toLowerCase();
  if (written === undefined) return 'must have // after http: or https:';
  if (url.hostname.endsWith('.')) return 'has a dot at the end of the host; leave it out';
  return written === url.hostname ? undefined : `has a host in a form that is read as another one; write it as ${url.hostname}`;
}

/** Undefined: none in the address. Null: not to be read. */
function authorizationOf({ username, password }: URL): string | undefined | null {
  if (username === '' && password === '') return undefined;
  try {
    return basicAuthorization(decodeURIComponent(username), decodeURIComponent(password));
  } catch {
    return null;
  }
}

/** Adapters bring `/v1` or their own paths, so neither it nor a slash stays at the end. */
function basePath(path: string): string {
  const parts = path.split('/');
  while (parts.length > 0 && (parts.at(-1) === '' || parts.at(-1) === 'v1')) parts.pop();
  return parts.length === 0 ? '' : parts.join('/');
}
