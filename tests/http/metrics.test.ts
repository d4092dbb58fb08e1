import { describe, expect, test } from 'vitest';
import { createHandler } from '../../src/http/handler.ts';
import { collectMetrics } from '../../src/telemetry/prometheus.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { ask, askChat, front, inner, listen, rawRequest, refusalIn, sendRaw, token } from './handler-kit.ts';

const bearer = { authorization: `Bearer ${token}` };

function served() {
  const { router, clock } = fakeRouter({ [inner.provider]: 'yes' });
  return { router, handler: createHandler(router, { tokens: [token], clock, metrics: collectMetrics(router) }) };
}

describe('GET /metrics', () => {
  test('tells a caller what the handler has done, in the form that Prometheus reads', async () => {
    const { handler } = served();
    await askChat(handler);
    const response = await ask(handler, { path: '/metrics', headers: bearer });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text).toContain('inferlane_requests_total{verb="chat",intent="fast",outcome="ok"} 1\n');
    expect(text).toContain(`inferlane_attempts_total{provider="${inner.provider}",model="${inner.model}",outcome="ok"} 1\n`);
  });

  test('says nothing without a token, not even that there are figures', async () => {
    const { handler } = served();
    const [wrong, without] = [
      await ask(handler, { path: '/metrics', headers: { authorization: 'Bearer x' } }),
      await ask(handler, { path: '/metrics' }),
    ];
    for (const response of [wrong, without]) {
      expect(response.status).toBe(401);
      expect(await response.text()).not.toMatch(/inferlane_|hidden/);
    }
  });

  test('is not there where no metrics are set', async () => {
    const { handler } = front({ tokens: [token] });
    expect(await refusalIn(await ask(handler, { path: '/metrics', headers: bearer }))).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('counts against no limit of calls', async () => {
    const { router, clock } = fakeRouter({ [inner.provider]: 'yes' });
    const handler = createHandler(router, { tokens: [token], clock, maxPerMinute: 1, metrics: collectMetrics(router) });
    for (let scrape = 0; scrape < 5; scrape++) expect((await ask(handler, { path: '/metrics', headers: bearer })).status).toBe(200);
    expect((await askChat(handler)).status).toBe(200);
    expect((await ask(handler, { path: '/metrics', headers: bearer })).status).toBe(200);
  });

  test.each([
    [
      'throw',
      () => {
        throw new Error('secret of the collector');
      },
    ],
    ['reject', () => Promise.reject(new Error('secret of the collector'))],
  ])('figures that %s are a failure of which nothing is told', async (_, text) => {
    const { handler } = front({ tokens: [token], metrics: { contentType: 'text/plain', text } });
    const response = await ask(handler, { path: '/metrics', headers: bearer });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect((await askChat(handler)).status).toBe(200);
  });

  test('comes whole over a socket', async () => {
    const { handler } = served();
    await using server = await listen(handler);
    const answer = await sendRaw(server.port, rawRequest('GET', '/metrics', bearer));
    expect(answer.status).toBe(200);
    expect(answer.text).toContain(`inferlane_provider_up{provider="${inner.provider}"} 1`);
  });
});
