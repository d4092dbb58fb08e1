import { expect, test } from 'vitest';
import { adminServer, errorOf, token, writeHeaders } from './admin-kit.ts';

const path = '/admin/api/state';
const wrongHeaders = { authorization: 'Bearer kM3vQ9xT7bR2wLz8sYc4He' };

test('the sixth wrong token within a minute, wherever it is given, is 429 with the time to wait', async () => {
  const { get, post, clock, changes } = adminServer();
  for (let count = 0; count < 4; count++) expect((await get(path, { headers: wrongHeaders })).status).toBe(401);
  expect((await post('/admin/api/unpin', {}, { headers: { ...writeHeaders, ...wrongHeaders } })).status).toBe(401);
  await clock.advance(20_000);
  const refused = await get(path, { headers: {} });
  expect([refused.status, refused.headers.get('retry-after'), (await errorOf(refused))['code']]).toEqual([429, '40', 'too_many_attempts']);
  expect(changes).toHaveLength(5);
  expect(changes[0]).toMatchObject({ action: 'login', ok: false });
  await clock.advance(40_000);
  expect((await get(path, { headers: wrongHeaders })).status).toBe(401);
});

test('a stranger who sends wrong tokens all day does not lock out who has the right one', async () => {
  const { get, clock } = adminServer();
  for (let minute = 0; minute < 60; minute++) {
    for (let count = 0; count < 10; count++) await get(path, { headers: wrongHeaders });
    expect((await get(path)).status).toBe(200);
    await clock.advance(60_000);
  }
});

test('right tokens are no attempts', async () => {
  const { get } = adminServer();
  for (let count = 0; count < 10; count++) expect((await get(path)).status).toBe(200);
  expect((await get(path, { headers: wrongHeaders })).status).toBe(401);
});

test('the token of the page is taken from Authorization and from nowhere else', async () => {
  const { get } = adminServer();
  for (const headers of [{ 'x-api-key': token }, { 'x-api-key': token, authorization: `Bearer ${token}` }, { cookie: `token=${token}` }]) {
    expect((await get(path, { headers })).status).toBe(401);
  }
  expect((await get(`${path}?token=${token}`, { headers: {} })).status).toBe(401);
});
