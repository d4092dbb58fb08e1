import { describe, expect, test, vi } from 'vitest';
import { createGuard } from '../../src/http/guard.ts';
import { resolveHandlerOptions } from '../../src/http/handler-options.ts';
import { indexOfDigest, matchTokens, tokenOf } from '../../src/http/tokens.ts';
import { ask, askChat, front, inner, otherToken, refusalIn, token } from './handler-kit.ts';

const bearer = (text: string): { authorization: string } => ({ authorization: `Bearer ${text}` });

describe('a token', () => {
  test.each([
    ['the first', bearer(token), 'token 1'],
    ['the second', bearer(otherToken), 'token 2'],
    ['in lower case words', { authorization: `bearer ${token}` }, 'token 1'],
    ['after many spaces', { authorization: `Bearer    ${token}` }, 'token 1'],
    ["in Anthropic's header", { 'x-api-key': token }, 'token 1'],
  ])('that is right is let in: %s', async (_, headers, caller) => {
    const { handler, entries } = front({ tokens: [token, otherToken] });
    expect((await ask(handler, { headers })).status).toBe(200);
    expect(entries[0]?.caller).toBe(caller);
  });

  const wrong: [string, Record<string, string>][] = [
    ['missing', {}],
    ['empty', { authorization: 'Bearer ' }],
    ['of spaces', { authorization: 'Bearer    ' }],
    ['of the right length', bearer('x'.repeat(token.length))],
    ['nearly right', bearer(`${token.slice(0, -1)}x`)],
    ['cut short', bearer(token.slice(0, -1))],
    ['too long by one', bearer(`${token}x`)],
    ['of another case', bearer(token.toUpperCase())],
    ['of a megabyte', bearer('y'.repeat(1_000_000))],
    ['right, and a megabyte of spaces before it', { authorization: `Bearer${' '.repeat(1_000_000)}${token}` }],
    ['twice', { authorization: `Bearer ${token}, Bearer ${token}` }],
    ['beside another', { authorization: `Bearer ${token}, Bearer wrong` }],
    ['in both headers', { ...bearer(token), 'x-api-key': token }],
    ['twice in the other header', { 'x-api-key': `${token}, ${token}` }],
    ['of another scheme', { authorization: `Basic ${btoa(`user:${token}`)}` }],
    ['without a scheme', { authorization: token }],
    ['of both tokens in one', bearer(token + otherToken)],
    ['in a cookie', { cookie: `authorization=Bearer ${token}` }],
    ['in a header of a proxy', { 'x-forwarded-authorization': `Bearer ${token}`, 'proxy-authorization': `Bearer ${token}` }],
    ['a name of what all objects have', bearer('__proto__')],
  ];
  test.each(wrong)('that is %s gets the one refusal that there is', async (_, headers) => {
    const { handler, entries, behind } = front({ tokens: [token, otherToken] });
    const response = await askChat(handler, { headers: { authorization: '', ...headers, 'x-request-id': 'fixed' } });
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await refusalIn(response)).toEqual({
      status: 401,
      code: 'invalid_token',
      param: null,
      text: '{"error":{"message":"A valid bearer token is needed.","type":"authentication_error","param":null,"code":"invalid_token"}}',
    });
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
    expect(JSON.stringify(entries)).not.toContain(token);
    expect(entries).toMatchObject([{ status: 401, caller: undefined }]);
  });

  test.each([`?token=${token}`, `?api_key=${token}`, `?authorization=Bearer%20${token}`, `?access_token=${token}`])(
    'in the query is no token, and is told to nobody: %s',
    async (query) => {
      const { handler, entries } = front({ tokens: [token] });
      const response = await ask(handler, { path: `/v1/models${query}` });
      expect(response.status).toBe(401);
      expect((await response.text()) + JSON.stringify(entries)).not.toContain(token);
    },
  );

  test('is compared with every digest to the last byte, wherever they begin to differ', () => {
    const read: number[] = [];
    const digest = (first: number, name: number): Uint8Array =>
      new Proxy(new Uint8Array(32).fill(7).fill(first, 0, 1), {
        get: (target, key) => {
          if (typeof key === 'string' && /^\d+$/.test(key)) read.push(name);
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const known = [digest(7, 0), digest(1, 1), digest(7, 2), digest(255, 3)];
    expect(indexOfDigest(new Uint8Array(32).fill(7), known)).toBe(2);
    expect([0, 1, 2, 3].map((name) => read.filter((each) => each === name).length)).toEqual([32, 32, 32, 32]);
  });

  test('is digested in every refusal, also where none was sent', async () => {
    const digest = vi.spyOn(crypto.subtle, 'digest');
    const match = matchTokens([token]);
    await match('');
    const { handler } = front({ tokens: [token] });
    digest.mockClear();
    for (const headers of [{}, bearer('wrong'), bearer('z'.repeat(5_000))]) expect((await ask(handler, { headers })).status).toBe(401);
    expect(digest).toHaveBeenCalledTimes(3);
  });

  test('of two headers, or of a list, is none', () => {
    expect(tokenOf(new Headers({ authorization: 'Bearer a', 'x-api-key': 'a' }))).toBeUndefined();
    expect(
      tokenOf(
        new Headers([
          ['x-api-key', 'a'],
          ['x-api-key', 'b'],
        ]),
      ),
    ).toBeUndefined();
    expect(tokenOf(new Headers({ 'x-api-key': 'a' }))).toBe('a');
  });
});

describe('authorize', () => {
  test('gives the name under which a caller is logged', async () => {
    const { handler, entries } = front({ authorize: async ({ headers }) => headers.get('x-user') ?? undefined });
    expect((await ask(handler, { headers: { 'x-user': 'ann' } })).status).toBe(200);
    expect((await ask(handler)).status).toBe(401);
    expect(entries.map(({ caller }) => caller)).toEqual(['ann', undefined]);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['false', false],
    ['true', true],
    ['an empty name', ''],
    ['a number', 1],
  ])('lets nobody in who gets %s for a name', async (_, name) => {
    const { handler } = front({ authorize: () => name as string | undefined });
    expect((await ask(handler)).status).toBe(401);
  });

  test('that fails, fails the request and tells nothing of why', async () => {
    const { handler } = front({ authorize: () => Promise.reject(new Error('password of the database is hunter2')) });
    const refusal = await refusalIn(await ask(handler));
    expect(refusal).toMatchObject({ status: 500, code: 'internal_error' });
    expect(refusal.text).not.toContain('hunter2');
  });
});

describe('without tokens', () => {
  test.each(['localhost', 'localhost:8080', 'LOCALHOST', '127.0.0.1:1', '[::1]', '[::1]:9'])(
    'a request to %s is answered',
    async (host) => {
      expect((await ask(front().handler, { headers: { host } })).status).toBe(200);
    },
  );

  const strange = ['evil.com', 'evil.com:8080', 'localhost.evil.com', 'evil-localhost', 'localhost.', 'localhost@evil.com', '127.0.0.2'];
  const odd = ['127.0.0.1.nip.io', '0.0.0.0', '[::]', '2130706433', '0x7f.1', 'localhost:80:80', 'localhost, evil.com', '[::1', '127.1'];
  test.each([...strange, ...odd])('a request to the host %s is refused', async (host) => {
    const { handler, behind } = front();
    const response = await askChat(handler, { headers: { host } });
    expect(await refusalIn(response)).toMatchObject({ status: 403, code: 'host_not_allowed' });
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
  });

  test('the host of the URL counts where there is no header', async () => {
    const { handler } = front();
    expect((await handler(new Request('http://127.0.0.1:3000/v1/models'))).status).toBe(200);
    expect((await handler(new Request('http://evil.com/v1/models'))).status).toBe(403);
  });

  test('a name in the list of hosts is answered with a token only', async () => {
    const headers = { host: 'gpu-box.lan' };
    expect((await ask(front({ hosts: ['gpu-box.lan'] }).handler, { headers })).status).toBe(403);
    expect(
      (await ask(front({ hosts: ['gpu-box.lan'], tokens: [token] }).handler, { headers: { ...headers, ...bearer(token) } })).status,
    ).toBe(200);
  });

  test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('a connection from %s is near', async (remoteAddress) => {
    expect((await ask(front().handler, { remoteAddress })).status).toBe(200);
  });

  test.each(['10.0.0.1', '192.168.1.7', '::ffff:10.0.0.1', 'fe80::1', '127.0.0.1.evil.com', '::2', ''])(
    'a connection from "%s" is not',
    async (remoteAddress) => {
      expect((await ask(front().handler, { remoteAddress })).status).toBe(403);
    },
  );
});

test.each(['evil.com', 'localhost.evil.com', 'gpu-box.lan.evil.com'])('the host %s is refused with a valid token as well', async (host) => {
  const { handler } = front({ tokens: [token], hosts: ['gpu-box.lan'] });
  const response = await ask(handler, { headers: { host, ...bearer(token) } });
  expect(await refusalIn(response)).toMatchObject({ status: 403, code: 'host_not_allowed' });
});

test('any host will do where the options say so', async () => {
  const { handler } = front({ tokens: [token], hosts: 'any' });
  expect((await ask(handler, { headers: { host: 'whatever.example', ...bearer(token) } })).status).toBe(200);
  expect((await ask(handler, { headers: { host: 'not a host', ...bearer(token) } })).status).toBe(403);
});

test.each([
  ['x-forwarded-host', 'localhost'],
  ['x-forwarded-for', '127.0.0.1'],
  ['x-real-ip', '127.0.0.1'],
  ['forwarded', 'for=127.0.0.1;host=localhost'],
  ['x-forwarded-server', 'localhost'],
  ['x-original-host', 'localhost'],
])('the header %s is never believed', async (name, value) => {
  const { handler } = front();
  const far = await ask(handler, { headers: { [name]: value }, remoteAddress: '203.0.113.9' });
  expect(far.status).toBe(403);
  const foreign = await ask(handler, { headers: { host: 'evil.com', [name]: value } });
  expect(foreign.status).toBe(403);
  // Nor does it take anything from a request that is near.
  expect((await ask(handler, { headers: { [name]: 'evil.com' } })).status).toBe(200);
});

test('a method in a header is not believed', async () => {
  const { handler, behind } = front();
  const headers = { 'x-http-method-override': 'POST', 'x-method-override': 'POST', 'x-http-method': 'POST' };
  expect((await ask(handler, { path: '/v1/chat/completions?_method=POST', headers })).status).toBe(405);
  expect(behind.fakes[inner.provider].calls).toHaveLength(0);
});

describe('the admin of the page', () => {
  const config = resolveHandlerOptions({
    tokens: [token],
    admin: { token: 'Zr6Tq0-Lk2Wv9_Xs4Hb8Nc', options: { providers: {} } },
    origins: ['https://app.example'],
  });
  const route = { method: 'POST', path: '/admin/x', access: 'admin', body: 'json', errors: 'plain', isLimited: false } as const;
  const identify = (headers: Record<string, string>, method = 'POST'): Promise<unknown> =>
    createGuard(config).identify(
      new Request('http://localhost:8080/admin/x', { method, headers: { host: 'localhost:8080', ...headers } }),
      {
        ...route,
        answer: () => Promise.reject(new Error('not asked')),
      },
    );
  const right = { ...bearer('Zr6Tq0-Lk2Wv9_Xs4Hb8Nc'), 'x-inferlane-admin': '1' };

  test('is known by the admin token, and writes with a header that no form sends', async () => {
    expect(await identify(right)).toEqual({ name: 'admin', isTrusted: true });
    expect(await identify({ ...right, origin: 'http://localhost:8080' })).toEqual({ name: 'admin', isTrusted: true });
    expect(await identify({ authorization: right.authorization }, 'GET')).toEqual({ name: 'admin', isTrusted: true });
  });

  test.each([
    ['without the header', { authorization: right.authorization }, 403],
    ['with the token of a caller', { ...right, ...bearer(token) }, 401],
    ['without a token', { 'x-inferlane-admin': '1' }, 401],
    ['from a page that callers may use', { ...right, origin: 'https://app.example' }, 403],
    ['from another site', { ...right, 'sec-fetch-site': 'cross-site' }, 403],
    ['from a neighbour of this site', { ...right, 'sec-fetch-site': 'same-site' }, 403],
  ])('is refused %s', async (_, headers, status) => {
    await expect(identify(headers)).rejects.toMatchObject({ refusal: { status } });
  });

  test('is refused from a foreign page for reading too', async () => {
    await expect(identify({ ...right, origin: 'https://app.example' }, 'GET')).rejects.toMatchObject({ refusal: { status: 403 } });
  });
});
