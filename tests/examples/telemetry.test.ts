import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';
import { collectMetrics } from '../../src/telemetry/prometheus.ts';
import { fakeBackend, reply } from '../../src/testing/index.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { readExposition, valueOf } from '../telemetry/exposition.ts';
import { chat } from './example-checks.ts';
import { callerToken, startExample } from './example-process.ts';

const hook = new URL('resolve-source.ts', import.meta.url).pathname;
const guide = readFileSync(new URL('../../docs/guides/metrics-and-logs.md', import.meta.url), 'utf8');

test('the server of the example counts its calls, and tells them to who has the token', { timeout: 60_000 }, async () => {
  await using backend = await fakeBackend('ollama', reply('Hello.')).listen();
  const env = { OLLAMA_BASE_URL: backend.url, INFERLANE_TOKENS: callerToken, PORT: '0' };
  await using example = await startExample({ folder: 'telemetry', args: ['--import', hook, 'prometheus.ts'], env });
  expect((await chat(example.url)).status).toBe(200);
  const scrape = await fetch(`${example.url}/metrics`, { headers: { authorization: `Bearer ${callerToken}` } });
  const families = readExposition(await scrape.text());
  expect(valueOf(families, 'inferlane_attempts_total', { provider: 'gpu', model: 'tiny', outcome: 'ok' })).toBe(1);
  expect((await fetch(`${example.url}/metrics`)).status).toBe(401);
});

test('the example with a log writes who failed and who answered', { timeout: 60_000 }, async () => {
  const backend = await fakeBackend('ollama', reply('never')).listen();
  await backend.close();
  const env = { OLLAMA_BASE_URL: backend.url };
  const port = /"event":"(request:end)"/;
  await using example = await startExample({ folder: 'telemetry', args: ['--import', hook, 'logs.ts'], env, port });
  await expect.poll(() => example.output()).toContain('A call is answered.');
  const lines = example
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.find(({ event }) => event === 'failover')).toMatchObject({ level: 40, from: 'gpu', to: 'last', reason: 'unavailable' });
  expect(lines.at(-1)).toMatchObject({ level: 30, provider: 'last', requestId: expect.any(String), latencyMs: expect.any(Number) });
});

test('the guide holds the examples as they are', () => {
  expect(withFiles(guide)).toBe(guide);
  for (const file of ['prometheus.ts', 'logs.ts']) expect(guide).toContain(`\`\`\`ts examples/telemetry/${file}\n`);
});

test('the page of the metrics has a row for each, with its labels and what it means', () => {
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8');
  const { registry } = collectMetrics(fakeRouter({ gpu: 'yes' }).router);
  const metrics = registry.getMetricsAsArray() as unknown as readonly { name: string; labelNames: readonly string[]; help: string }[];
  const rows = [...page.matchAll(/^\| `(inferlane_\w+)` +\| (.*?) +\| (.*?) +\|$/gm)];
  expect(rows.map(([, name, labels = '', meaning]) => [name, labels.replaceAll('`', '').trim(), meaning])).toEqual(
    metrics.map(({ name, labelNames, help }) => [name, labelNames.join(', '), help]),
  );
});
