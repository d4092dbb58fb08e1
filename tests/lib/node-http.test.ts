import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import type { Socket } from 'node:net';
import { http as mocked, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';
import { describe, expect, test, vi } from 'vitest';
import { defaultTransport } from '../../src/lib/default-transport.ts';
import { nodeHttpTransport } from '../../src/lib/node-http.ts';
import { hasProxyAgents, usualProxy } from '../../src/lib/node-proxy.ts';
import { transportCases } from './transport-cases.ts';
import { ask, request, serving } from './transport-rig.ts';

transportCases(nodeHttpTransport);

describe('proxies', () => {
  test('are asked for by a flag of Node as well', () => {
    vi.stubEnv('NODE_OPTIONS', '--no-warnings --use-env-proxy');
    expect(usualProxy()).toBe(process.env);
  });

  test.each([
    ['22.20.0', false],
    ['22.21.0', true],
    ['23.9.0', false],
    ['24.4.1', false],
    ['24.5.0', true],
    ['26.0.0', true],
  ])('need more than some Nodes have: %s', (version, has) => expect(hasProxyAgents(version)).toBe(has));
});

test('msw answers in the place of servers', async () => {
  const server = setupServer(mocked.post('http://models.example.com/v1', () => HttpResponse.json({ by: 'msw' })));
  server.listen();
  try {
    expect(await ask(nodeHttpTransport(), 'http://models.example.com/v1')).toBe('{"by":"msw"}');
  } finally {
    server.close();
  }
});

test('whoever wraps `http.request`, as instrumentations do, sees each request', async () => {
  const server = await serving((_, response) => response.end('yes'));
  const transport = nodeHttpTransport();
  await ask(transport, server.url);
  const wrapped = vi.spyOn(http, 'request');
  await ask(transport, `${server.url}/watched`);
  expect(wrapped.mock.calls).toMatchObject([[{ hostname: '127.0.0.1', path: '/watched', method: 'POST' }]]);
});

test('routers use it in Node', async () => {
  const server = await serving((asked, response) => response.end(asked.headers['sec-fetch-mode'] ?? 'no fetch'));
  expect(await ask(defaultTransport(), server.url)).toBe('no fetch');
});

test('a connection has no timer while an answer of unknown length comes, and has it again at its end', async () => {
  let finish: (() => void) | undefined;
  const server = await serving((_, response) => {
    response.write('first');
    finish = () => void response.end('last');
  });
  const opened: Socket[] = [];
  const note = (message: unknown): void => void opened.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', note);
  try {
    const response = await nodeHttpTransport({ idleMs: 5_000 }).send(request(server.url));
    expect(opened.map(({ timeout }) => timeout)).toEqual([0]);
    finish?.();
    expect(await response.text()).toBe('firstlast');
    await vi.waitFor(() => expect(opened.map(({ timeout }) => timeout)).toEqual([5_000]));
  } finally {
    unsubscribe('net.client.socket', note);
    opened[0]?.destroy();
  }
});
