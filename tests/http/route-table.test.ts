import { describe, expect, test } from 'vitest';
import { createHandler, type Handler } from '../../src/http/handler.ts';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/routes.ts';
import { createRouter, type RouterOptions } from '../../src/index.ts';
import { fake, fault } from '../_kit/fake-adapter.ts';
import { adminToken, ask, inner, listen, rawRequest, sendRaw, token } from './handler-kit.ts';

const { adapter, calls } = fake(fault('unavailable', { reason: `connect ECONNREFUSED ${inner.url}` }));
const providers = { [inner.provider]: { type: 'custom', adapter, defaultModel: inner.model, cost: 'free' } };
const options = { health: false, providers } as RouterOptions;

const metrics = { contentType: 'text/plain', text: async (): Promise<string> => 'up 1\n' };

/** A handler of which every row of the table is served. */
function full(): Handler {
  return createHandler(createRouter(options), { tokens: [token], admin: { token: adminToken, options }, metrics });
}

function pathOf({ path }: Route): string {
  return path.replace(/\{[a-z]+\}/g, inner.model);
}

/** What a row takes beside its token. */
function askRow(route: Route, headers: Readonly<Record<string, string>>, handler: Handler = full()): Promise<Response> {
  const write = { method: 'POST', ...(route.body === 'json' && { body: '{}' }) };
  const admin = route.access === 'admin' ? { 'x-inferlane-admin': '1' } : {};
  return ask(handler, { path: pathOf(route), ...(route.method === 'POST' && write), headers: { ...admin, ...headers } });
}

const bearer = (text: string): { authorization: string } => ({ authorization: `Bearer ${text}` });
const rows = routes.map((route): [string, Route] => [`${route.method} ${route.path}`, route]);

test('there are routes, and no two rows stand for the same method and path', () => {
  expect(rows.length).toBeGreaterThan(20);
  expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length);
});

test('what is written is of the admin or of callers, and what callers run counts against the limits', () => {
  for (const [name, { method, access, isLimited, body }] of rows) {
    if (method === 'POST') expect(access, name).not.toBe('public');
    if (method === 'POST' && access === 'caller' && !isLimited)
      expect(['/api/show', '/v1/messages/count_tokens'], name).toContain(name.slice(5));
    if (method === 'GET') expect(body, name).toBe('none');
  }
});

describe.each(rows)('%s', (name, route) => {
  const right = route.access === 'admin' ? adminToken : token;
  const isWrite = route.method === 'POST';

  test('is served with its token', async () => {
    const response = await askRow(route, bearer(right));
    await response.body?.cancel();
    expect([401, 403, 404, 405]).not.toContain(route.path.includes('{') && response.status === 404 ? 200 : response.status);
  });

  test('without a token gives nothing away', async () => {
    const before = calls.length;
    for (const headers of [{}, bearer('wrong'), bearer(''), { 'x-api-key': 'wrong' }]) {
      const response = await askRow(route, headers);
      const text = await response.text();
      if (route.access !== 'public') expect(response.status, name).toBe(401);
      for (const secret of Object.values(inner)) if (!pathOf(route).includes(secret)) expect(text).not.toContain(secret);
      // The files of the page are the same for everybody, and speak of errors and stacks.
      if (/json|text\/plain/.test(response.headers.get('content-type') ?? ''))
        expect(text).not.toMatch(/hidden|ECONNREFUSED|internal:|stack|\bat \//);
    }
    expect(calls.length).toBe(before);
  });

  test('takes the token of its own kind only', async () => {
    if (route.access === 'public') return;
    const response = await askRow(route, bearer(route.access === 'admin' ? token : adminToken));
    expect(response.status).toBe(401);
  });

  test('is refused for another host, with its token', async () => {
    const response = await askRow(route, { ...bearer(right), host: 'evil.com' });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('host_not_allowed');
  });

  test('is refused from a foreign page where it writes', async () => {
    const response = await askRow(route, { ...bearer(right), origin: 'https://evil.com' });
    const site = await askRow(route, { ...bearer(right), 'sec-fetch-site': 'cross-site' });
    for (const each of [response, site]) {
      await each.body?.cancel();
      expect(each.headers.has('access-control-allow-origin')).toBe(false);
      if (isWrite || route.access === 'admin') expect(each.status).toBe(403);
    }
  });

  test('takes no other method', async () => {
    const path = pathOf(route);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'HEAD', 'get2']) {
      const isKnown = routes.some((each) => each.path === route.path && each.method === (method === 'HEAD' ? 'GET' : method));
      if (isKnown) continue;
      const response = await ask(full(), { method, path, headers: bearer(right) });
      expect(response.status, method).toBe(405);
      expect(response.headers.get('allow')).toMatch(/^(?:GET, HEAD|POST)(?:, (?:GET, HEAD|POST))?$/);
    }
  });

  test('answers HEAD without a body where it answers GET', async () => {
    if (isWrite) return;
    const asked = { path: pathOf(route), headers: bearer(right) };
    const [head, whole] = [await ask(full(), { ...asked, method: 'HEAD' }), await ask(full(), asked)];
    expect(head.body).toBe(null);
    expect(head.status).toBe(whole.status);
    await whole.body?.cancel();
    expect((await ask(full(), { method: 'HEAD', path: pathOf(route), headers: { host: 'evil.com' } })).status).toBe(403);
  });

  test('has only headers of our own, and none that lets it be kept or guessed at', async () => {
    const response = await askRow(route, bearer(right));
    await response.body?.cancel();
    expect(response.headers.get('cache-control')).toContain('no-store');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('x-inferlane-request-id')).toMatch(/^[A-Za-z0-9-]{1,64}$/);
    const allowed =
      /^(?:cache-control|content-type|referrer-policy|retry-after|x-accel-buffering|x-content-type-options|x-inferlane-[a-z-]+|(?:x-)?request-id|content-security-policy|cross-origin-[a-z-]+|permissions-policy|x-frame-options|allow)$/;
    for (const header of response.headers.keys()) expect(header).toMatch(allowed);
  });

  test('has no neighbours', async () => {
    const path = pathOf(route);
    const neighbours = [
      `${path}x`,
      `${path}/`,
      `${path}/..x`,
      `${path}.`,
      `${path}%20`,
      `${path}%00`,
      `${path};`,
      `${path}%2f`,
      `/x${path}`,
      `/${path}`,
      path.replace(/(?<=.)\//g, '//'),
    ];
    const spelt = [path.toUpperCase(), path.replace(/\w/, (char) => `%${char.charCodeAt(0).toString(16)}`)];
    for (const other of [...neighbours, ...spelt]) {
      if (other === path || path === '/') continue;
      const method = route.method;
      const response = await ask(full(), { method, path: other, headers: bearer(right), body: isWrite ? '{}' : null });
      const text = await response.text();
      if (/^\/(?:v1\/)?models\//.test(other) && response.status === 404 && !text.includes('not_found')) continue;
      expect(response.status, other).toBe(404);
      expect(text).not.toContain('%');
    }
  });

  test('is not there for the admin where there is no admin', async () => {
    if (route.access !== 'admin' && !route.path.startsWith('/admin')) return;
    const response = await askRow(route, bearer(adminToken), createHandler(createRouter(options), { tokens: [token] }));
    expect(response.status).toBe(404);
  });
});

test('what is not there is told without a word of what was asked', async () => {
  for (const path of [
    '/nothing-here-3141',
    '/<script>alert(3141)</script>',
    '/%0d%0aset-cookie:3141',
    '/v1/3141?q=3141',
    `/${'3141'.repeat(400)}`,
  ]) {
    const response = await ask(full(), { path, headers: bearer(token) });
    expect(response.status).toBe(404);
    expect((await response.text()) + JSON.stringify([...response.headers])).not.toContain('3141');
  }
});

test('a path or a URL that is too long is refused at once', async () => {
  for (const path of [`/${'a'.repeat(3_000)}`, `/v1/models?${'q=1&'.repeat(10_000)}`, `/v1/models/${'a'.repeat(10_000)}`]) {
    expect((await ask(full(), { path, headers: bearer(token) })).status).toBe(414);
  }
  expect((await ask(full(), { path: `/v1/models?${'q=1&'.repeat(1_000)}`, headers: bearer(token) })).status).toBe(200);
});

test('TRACE, OPTIONS and methods of other protocols do no work', async () => {
  await using server = await listen(full());
  for (const target of ['/', '/v1/chat/completions', '/admin', '/nothing']) {
    for (const method of ['TRACE', 'OPTIONS', 'PROPFIND', 'PURGE', 'MKCOL']) {
      const answer = await sendRaw(server.port, rawRequest(method, target, { cookie: 'mirrored=1' }));
      expect([403, 404, 405]).toContain(answer.status);
      expect(answer.text).not.toContain('mirrored');
    }
  }
});
