import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mostConnections, serverLimits } from '../../src/cli/serve-server.ts';
import { handlerDefaults } from '../../src/http/index.ts';
import { withCaptures } from './captures.ts';

const page = readFileSync(new URL('../../docs/guides/command-line.md', import.meta.url), 'utf8');

test('the guide shows what the commands print, and the exit codes that there are; `node scripts/write-command-line.ts` writes it', async () => {
  expect(page.match(/^\$ .*inferlane/gm)?.length).toBeGreaterThan(8);
  expect(await withCaptures(page)).toBe(page);
});

test('the guide names the limits of the server as they are', () => {
  const { maxConcurrent, maxConcurrentPerCaller, maxBodyBytes, bodyTimeoutMs, writeTimeoutMs } = handlerDefaults;
  const limits = page.slice(page.indexOf('**Limits.**')).replaceAll(/\s+/g, ' ');
  expect(limits).toMatch(
    new RegExp(
      `${maxConcurrent} calls at once and ${maxConcurrentPerCaller} for each token, ${mostConnections.toLocaleString('en')} connections, ${maxBodyBytes / 1_048_576} MiB`,
    ),
  );
  expect(limits).toContain(`within ${serverLimits.headersTimeout / 1_000} seconds, and its body within ${bodyTimeoutMs / 1_000} more`);
  expect(limits).toContain(`unread for ${writeTimeoutMs / 1_000} seconds is cut off`);
});
