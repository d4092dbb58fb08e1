import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adapters } from '../../src/adapters/registry.ts';
import type * as Inferlane from '../../src/index.ts';
import type * as Testing from '../../src/testing/index.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { routedAdapter } from '../_kit/routed-adapter.ts';

// What users import is the build: its two entry points must work, and work together.

const root = join(import.meta.dirname, '..', '..');
// Below node_modules, so that the build finds its dependencies and git does not see it.
const out = mkdtempSync(join(root, 'node_modules', '.inferlane-build-'));
let inferlane: typeof Inferlane;
let testing: typeof Testing;

beforeAll(async () => {
  execFileSync(join(root, 'node_modules', '.bin', 'tsup'), ['--out-dir', out, '--no-dts', '--silent'], { cwd: root, stdio: 'pipe' });
  inferlane = (await import(pathToFileURL(join(out, 'index.js')).href)) as typeof Inferlane;
  testing = (await import(pathToFileURL(join(out, 'testing.js')).href)) as typeof Testing;
}, 120_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

const smoke = [
  'gives the text of the answer',
  'reports the usage that the server counted',
  'gives the same text as a chat',
  'gives the same chunks when every byte comes alone',
  'gives parallel calls in order, each with an id of its own',
  'gives one vector for each text, in order',
  'a chat that fails by "server" is "unavailable"',
  'an error repeats neither the prompt nor the key, even where the server does',
  "a stream in the middle ends with the caller's reason",
  'twenty chats and twenty streams at once do not mix',
] as const;

test.for(smoke.flatMap((name) => (['ollama', 'vllm'] as const).map((type) => [name, type] as const)))(
  'the build: %s (%s)',
  async ([name, type]) => {
    const found = testing.adapterCases.find((each) => each.name === name);
    await using bench = await testing.createBench({
      backend: type,
      model: 'conformance-model',
      adapter: (url) => routedAdapter({ inferlane, type, url, like: adapters[type](adapterContext(url, type)) }),
    });
    expect(found && testing.skipReason(found, bench)).toBeUndefined();
    await found?.run(bench);
  },
);

test('the build has every case of the sources', async () => {
  const sources = await import('../../src/testing/index.ts');
  expect(testing.adapterCases.map(({ name }) => name)).toEqual(sources.adapterCases.map(({ name }) => name));
});
