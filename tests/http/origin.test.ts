import { describe, expect, test } from 'vitest';
import { ask, askChat, front, inner, refusalIn, token } from './handler-kit.ts';

const page = 'https://app.example.com';

describe('a write from a browser', () => {
  test.each([
    ['no origin and no site: it is no browser', {}],
    ["the server's own origin", { origin: 'http://localhost:8080' }],
    ["the server's own origin behind TLS", { origin: 'https://localhost:8080' }],
    ["the server's own site", { 'sec-fetch-site': 'same-origin' }],
    ['an address that was typed', { 'sec-fetch-site': 'none' }],
    ['an origin that is listed', { origin: page, 'sec-fetch-site': 'cross-site' }],
  ])('passes with %s', async (_, headers) => {
    expect((await askChat(front({ origins: [page] }).handler, { headers })).status).toBe(200);
  });

  test.each([
    ['a foreign origin', { origin: 'https://evil.com' }],
    ['no origin of its own', { origin: 'null' }],
    ['an empty origin', { origin: ' ' }],
    ['another port of this machine', { origin: 'http://localhost:3000' }],
    ['no port where the server has one', { origin: 'http://localhost' }],
    ['a name that begins like ours', { origin: 'http://localhost:8080.evil.com' }],
    ['a name that ends like ours', { origin: 'http://evil-localhost:8080' }],
    ['a listed name with more before it', { origin: 'https://evilapp.example.com' }],
    ['a listed name with more behind it', { origin: `${page}.evil.com` }],
    ['a listed name in capitals', { origin: 'https://APP.example.com' }],
    ['a listed name of another scheme', { origin: 'http://app.example.com' }],
    ['a listed name with a port', { origin: `${page}:8443` }],
    ['a listed name with a slash', { origin: `${page}/` }],
    ['two origins', { origin: `${page}, https://evil.com` }],
    ['an extension', { origin: 'chrome-extension://localhost:8080' }],
    ['a file', { origin: 'file://' }],
    ['user and password before our name', { origin: 'http://evil@localhost:8080' }],
    ['another site and no origin', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour site and no origin', { 'sec-fetch-site': 'same-site' }],
    ['two sites', { 'sec-fetch-site': 'same-origin, cross-site' }],
  ])('is refused with %s', async (_, headers) => {
    const { handler, behind } = front({ origins: [page] });
    const response = await askChat(handler, { headers });
    if (headers['origin' as keyof typeof headers] !== page) expect(response.headers.has('access-control-allow-origin')).toBe(false);
    expect(await refusalIn(response)).toMatchObject({ status: 403, code: 'origin_not_allowed' });
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
  });

  test.each(['', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain; application/json'])(
    'is refused with the content type "%s", which a form can send',
    async (type) => {
      const { handler, behind } = front();
      const body = new TextEncoder().encode(JSON.stringify({ messages: [] }));
      const response = await askChat(handler, { body, headers: { 'content-type': type } });
      expect(await refusalIn(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
      expect(behind.fakes[inner.provider].calls).toHaveLength(0);
    },
  );

  test('is refused from a foreign page with a valid token as well', async () => {
    const { handler } = front({ tokens: [token] });
    expect((await askChat(handler, { headers: { origin: 'https://evil.com' } })).status).toBe(403);
  });
});

describe('the answer to a page', () => {
  test('says nothing of other origins where none is listed', async () => {
    const response = await ask(front().handler, { headers: { origin: page } });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control') || name === 'vary')).toEqual([]);
  });

  test('names the one origin that asked, never all, and no credentials', async () => {
    const response = await ask(front({ origins: [page, 'https://other.example'] }).handler, { headers: { origin: page } });
    expect(response.headers.get('access-control-allow-origin')).toBe(page);
    expect(response.headers.get('vary')).toBe('origin');
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
    expect(response.headers.get('access-control-expose-headers')).toContain('x-inferlane-request-id');
  });

  test('that is a refusal is readable for a page that may call', async () => {
    const response = await ask(front({ origins: [page], tokens: [token] }).handler, { headers: { origin: page } });
    expect(response.status).toBe(401);
    expect(response.headers.get('access-control-allow-origin')).toBe(page);
  });

  test.each(['null', 'https://evil.com', 'https://app.example.com.evil.com'])('has no word of permission for %s', async (origin) => {
    const response = await ask(front({ origins: [page] }).handler, { headers: { origin } });
    expect(response.headers.has('access-control-allow-origin')).toBe(false);
    expect(response.headers.get('vary')).toBe('origin');
  });
});

describe("the browser's question before a call", () => {
  const question = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' };

  test('is answered for a listed origin, without a token and without work', async () => {
    const { handler, behind, entries } = front({ origins: [page], tokens: [token] });
    const asked = 'Authorization, content-type, x-stainless-lang, openai-organization, x-inferlane-intent, x-inferlane-admin, x-evil, *';
    const headers = { origin: page, ...question, 'access-control-request-headers': asked };
    const response = await ask(handler, { method: 'OPTIONS', path: '/v1/chat/completions', headers });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(response.headers.get('access-control-allow-origin')).toBe(page);
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(response.headers.get('access-control-allow-headers')).toBe(
      'authorization, content-type, x-stainless-lang, openai-organization, x-inferlane-intent',
    );
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
    expect(entries).toMatchObject([{ method: 'OPTIONS', status: 204 }]);
  });

  test.each([
    ['another origin', { origin: 'https://evil.com' }],
    ['no origin of its own', { origin: 'null' }],
    ['no origin', {}],
    ["the server's own name on another port", { origin: 'http://localhost:1' }],
  ])('is refused for %s', async (_, headers) => {
    const { handler } = front({ origins: [page] });
    const response = await ask(handler, { method: 'OPTIONS', headers: { ...question, ...headers } });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(await refusalIn(response)).toMatchObject({ status: 403, code: 'origin_not_allowed' });
  });

  test('to a foreign host is refused even for a listed origin', async () => {
    const { handler } = front({ origins: [page] });
    const response = await ask(handler, { method: 'OPTIONS', headers: { host: 'evil.com', origin: page, ...question } });
    expect(response.status).toBe(403);
  });
});
