import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JudgedServer, startJudged } from './judged-server.ts';
import { judges } from './judges.ts';
import { checks, clients, notAsked } from './matrix.ts';

let server: JudgedServer;

beforeAll(async () => {
  server = await startJudged();
});

afterAll(() => server.close());

describe.each(clients)('the official client %s', (client) => {
  test.each(checks.filter((check) => notAsked[client]?.[check] === undefined))('%s', async (check) => {
    expect.hasAssertions();
    await judges[client][check]?.(server);
  });
});
