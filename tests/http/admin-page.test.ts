import { expect, test } from 'vitest';
import type { Router } from '../../src/index.ts';
import { adminRoutes } from '../../src/http/admin-routes.ts';
import { createHandler } from '../../src/http/handler.ts';
import { adminServer, errorOf, servedBy, token, writeHeaders } from './admin-kit.ts';

const api = adminRoutes.filter(({ path }) => path.startsWith('/admin/api/'));
const pages = adminRoutes.filter(({ path }) => !path.startsWith('/admin/api/'));
const ask = (path: string, method: string, headers: Record<string, string>): Request =>
  new Request(`http://localhost:8080${path}`, { method, headers, ...(method === 'POST' && { body: '{}' }) });

test('without options for it there is no admin page, and nothing below it', async () => {
  const { router } = adminServer();
  const handler = createHandler(router);
  for (const { path, method } of adminRoutes) expect((await handler(ask(path, method, writeHeaders))).status).toBe(404);
});

test('the page and its two files are for everybody, and everything below /admin/api/ is for the token of the page', () => {
  expect(pages.map(({ method, path, access }) => `${method} ${path} ${access}`)).toEqual([
    'GET /admin public',
    'GET /admin/app.js public',
    'GET /admin/app.css public',
  ]);
  expect(api.map(({ method, path, access }) => `${method} ${path} ${access}`)).toEqual([
    'GET /admin/api/state admin',
    'GET /admin/api/events admin',
    'POST /admin/api/settings admin',
    'POST /admin/api/unpin admin',
    'POST /admin/api/close-circuit admin',
    'POST /admin/api/test-provider admin',
    'POST /admin/api/test-failover admin',
    'POST /admin/api/playground admin',
  ]);
});

test.each(pages)('$path cannot be framed, sniffed, cached or extended with scripts', async ({ path }) => {
  const response = await adminServer().get(path, { headers: {} });
  expect(response.status).toBe(200);
  const { headers } = response;
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(headers.get('permissions-policy')).toMatch(/^[a-z-]+=\(\)(?:, [a-z-]+=\(\))+$/);
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
});

test.each(api)('$method $path: what it answers is for its own page alone', async ({ path, method }) => {
  const body = path.endsWith('test-provider') ? { provider: 'gpu' } : path.endsWith('playground') ? { prompt: 'hi' } : {};
  const { router, options, clock } = adminServer();
  const { get, post } = servedBy({ ...router, closeCircuit: () => 0 } as Router, options, clock);
  const response = await (method === 'GET' ? get(path) : post(path, body));
  expect([response.status, response.headers.get('cross-origin-resource-policy')]).toEqual([200, 'same-origin']);
  await response.body?.cancel();
});

test('the files have the types that browsers insist on', async () => {
  const { get } = adminServer();
  const types = await Promise.all(pages.map(async ({ path }) => (await get(path)).headers.get('content-type')));
  expect(types).toEqual(['text/html; charset=utf-8', 'text/javascript; charset=utf-8', 'text/css; charset=utf-8']);
});

test('the page has nothing inline, names no other server, and finds its files wherever the handler is mounted', async () => {
  const html = await (await adminServer().get('/admin')).text();
  expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|https?:|\/\//i);
  const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
  expect(addresses).toEqual(['data:,', 'admin/app.css', 'admin/app.js']);
  const base = 'https://example.com/llm/admin';
  expect(new URL('admin/app.js', base).pathname).toBe('/llm/admin/app.js');
});

test('the page holds no data: it is the same for every router, with and without the token', async () => {
  const [one, other] = await Promise.all([
    adminServer({ gpu: 'a' }).get('/admin'),
    adminServer({ box: 'b' }).get('/admin', { headers: {} }),
  ]);
  expect(await one.text()).toBe(await other.text());
});

test.each(api)('$method $path: without the token of the page, 401', async ({ path, method }) => {
  const { handler, fakes } = adminServer();
  const { authorization: _right, ...others } = writeHeaders;
  const wrong = [{}, { authorization: 'Bearer kM3vQ9xT7bR2wLz8sYc4He' }, { authorization: token }, { cookie: `token=${token}` }];
  for (const each of wrong) {
    const response = await handler(ask(path, method, { ...others, ...each } as Record<string, string>));
    expect(response.status).toBe(401);
    expect(await errorOf(response)).toEqual({ code: 'invalid_token', message: 'A valid bearer token is needed.' });
  }
  expect((await handler(ask(`${path}?token=${token}`, method, others))).status).toBe(401);
  expect(Object.values(fakes).flatMap(({ calls }) => calls)).toEqual([]);
});

test.each(api)('$method $path: a page of another origin gets 403, with the token as well', async ({ path, method }) => {
  const { router, options, clock } = adminServer();
  const handler = createHandler(router, { origins: ['https://app.example.com'], admin: { token, options }, clock });
  const foreign = [
    { origin: 'https://app.example.com' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:8081' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];
  for (const each of foreign) {
    const response = await handler(ask(path, method, { ...writeHeaders, ...each } as Record<string, string>));
    expect(response.status).toBe(403);
    expect((await errorOf(response))['code']).toBe('origin_not_allowed');
  }
});

test.each(api.filter(({ method }) => method === 'POST'))(
  '$path: a write without the header of the page, or not in JSON, is refused',
  async ({ path }) => {
    const { handler } = adminServer();
    const { 'x-inferlane-admin': _header, ...bare } = writeHeaders;
    const without = await handler(ask(path, 'POST', bare as Record<string, string>));
    expect([without.status, (await errorOf(without))['code']]).toEqual([403, 'csrf']);
    const form = await handler(ask(path, 'POST', { ...writeHeaders, 'content-type': 'text/plain' }));
    expect([form.status, (await errorOf(form))['code']]).toEqual([415, 'unsupported_media_type']);
  },
);

test.each(api.filter(({ method }) => method === 'POST'))(
  '$path: fields that it does not know are refused, and not repeated where they are no names',
  async ({ path }) => {
    const { post } = adminServer();
    const response = await post(path, { provider: 'gpu', prompt: 'hi', '<b>canary</b>': 1 });
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('canary');
  },
);
