import { expect, test } from 'vitest';
import { httpFor } from '../../src/lib/http-for.ts';
import type { Transport } from '../../src/lib/transport.ts';

test('an adapter of one’s own tells a tunnel that no browser asks, as the built-in ones do', async () => {
  const seen: Readonly<Record<string, string>>[] = [];
  const transport: Transport = {
    async send({ headers }) {
      seen.push(headers);
      return { status: 200, body: null, header: () => null, text: async () => '{}' };
    },
  };
  for (const url of ['https://abc.ngrok-free.app', 'https://example.org']) {
    await httpFor({ provider: 'mine', url, transport }).getText('/', new AbortController().signal);
  }
  expect(seen.map((headers) => headers['ngrok-skip-browser-warning'])).toEqual(['1', undefined]);
});
