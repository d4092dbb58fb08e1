import { HttpRefusal } from './failure.ts';
import type { Route } from './route.ts';

export interface Match {
  readonly route: Route;
  /** Decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The row of the table for a request. Paths are compared as they stand: no case, no doubled slash and no trailing one is overlooked.
 * @throws {HttpRefusal} 404, 405 with the methods there are, or 414.
 */
export type Matcher = (method: string, url: string) => Match;

const longestUrl = 8_192;
const longestPath = 2_048;

export function createMatcher(routes: readonly Route[], basePath: string): Matcher {
  const fixed = new Map<string, Match[]>();
  for (const route of routes) fixed.set(route.path, [...(fixed.get(route.path) ?? []), { route, params: {} }]);
  const patterns = routes.filter(({ path }) => path.includes('{')).map((route) => ({ route, parts: route.path.split('/') }));
  return (method, url) => {
    const path = pathOf(url, basePath);
    const given = path?.split('/') ?? [];
    const here = [...(fixed.get(path ?? '') ?? []), ...patterns.flatMap(({ route, parts }) => fit(route, parts, given))];
    // Servers are asked with HEAD whether they are there.
    const wanted = method === 'HEAD' ? 'GET' : method;
    return here.find(({ route }) => route.method === wanted) ?? refuse(here);
  };
}

/** Undefined outside of where the handler is mounted. */
function pathOf(url: string, basePath: string): string | undefined {
  const pathname = url.length > longestUrl ? undefined : new URL(url).pathname;
  if (pathname === undefined || pathname.length > longestPath) {
    throw new HttpRefusal({ status: 414, code: 'url_too_long', message: 'The URL is too long.' });
  }
  return pathname.startsWith(basePath) ? pathname.slice(basePath.length) || '/' : undefined;
}

function refuse(here: readonly Match[]): never {
  if (here.length === 0) throw new HttpRefusal({ status: 404, code: 'not_found', message: 'There is nothing at this path.' });
  const methods = here.flatMap(({ route: { method } }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const headers = { allow: [...new Set(methods)].join(', ') };
  throw new HttpRefusal({ status: 405, code: 'method_not_allowed', message: 'There is another method at this path.', headers });
}

function fit(route: Route, wanted: readonly string[], given: readonly string[]): readonly Match[] {
  if (wanted.length !== given.length) return [];
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? '';
    const value = part.startsWith('{') ? decoded(text) : undefined;
    if (value !== undefined) params[part.slice(1, -1)] = value;
    else if (part !== text) return [];
  }
  return [{ route, params }];
}

/** The name of a model, as it may stand in a path. What else a path can smuggle fits nothing. */
function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    const isName = /^[^\p{Cc}\\?#]{1,256}$/u.test(value) && !value.split('/').some((part) => part === '' || /^\.+$/.test(part));
    return isName ? value : undefined;
  } catch {
    return undefined;
  }
}
