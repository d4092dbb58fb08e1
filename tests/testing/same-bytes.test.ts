import { describe, expect, test } from 'vitest';
import { collect, createRouter, type ProviderType, providerTypes } from '../../src/index.ts';
import {
  errorInStream,
  fakeBackend,
  type FakeRequest,
  garbageAt,
  html,
  inWrites,
  reply,
  type Step,
  status,
} from '../../src/testing/index.ts';
import { forms, open } from '../_kit/backend-forms.ts';
import { hello } from '../_kit/fake-router.ts';

// A test that passes against the handlers must mean the same as one against the real socket.

const types = (Object.keys(providerTypes) as ProviderType[]).filter((type) => type !== 'cpu' && type !== 'stub');

type Asked = Pick<FakeRequest, 'method' | 'path' | 'body'>;

/** What a router asks a server of this type for, whatever it makes of the answers. */
async function requestsOf(type: (typeof types)[number]): Promise<readonly Asked[]> {
  await using server = await fakeBackend(type).listen();
  const url = server.url;
  await using router = createRouter({
    providers: { box: { type, url, apiKey: 'k', defaultModel: 'm', embeddingModel: 'm' } },
    allowPaid: true,
  });
  const { messages } = hello;
  const streamed = router.stream({ messages }).then(collect);
  await Promise.allSettled([router.chat({ messages }), streamed, router.embed({ input: ['a'] }), router.models(), router.health()]);
  const byKey = new Map(server.requests.map(({ method, path, body }) => [JSON.stringify([method, path, body]), { method, path, body }]));
  return [...byKey.values(), { method: 'GET', path: '/nowhere', body: undefined }];
}

async function answerTo({ method, path, body }: Asked, url: string): Promise<unknown> {
  const sent = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url + path, { method, ...sent });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { asked: `${method} ${path}`, status: response.status, headers: [...response.headers], bytes: bytes.toString('latin1') };
}

const steps: Readonly<Record<string, Step>> = {
  'an answer': reply('Grüße 👋', { reasoning: 'hm' }),
  'an answer byte by byte': inWrites('bytes', reply('Grüße')),
  'a status': status(503, { retryAfter: 3 }),
  'a web page': html(),
  garbage: garbageAt(1),
  'an error in the middle': errorInStream(2, status(500)),
};

describe.each(types)('%s', (type) => {
  test.each(Object.entries(steps))('sends the same bytes and headers over both forms: %s', async (_name, step) => {
    const requests = await requestsOf(type);
    const answers: unknown[][] = [];
    for (const form of forms) {
      await using server = await open(fakeBackend(type, step, { url: `http://${type}.test` }), form);
      const taken: unknown[] = [];
      for (const asked of requests) taken.push(await answerTo(asked, server.url));
      answers.push(taken);
    }
    expect(requests.length).toBeGreaterThan(2);
    expect(answers[0]).toEqual(answers[1]);
  });
});
