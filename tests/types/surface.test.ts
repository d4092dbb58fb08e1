import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { compile, type Compiled, namesUsedIn } from './compiler.ts';

// What the compiler makes of code that uses the package: it must take what is right, and `@ts-expect-error` holds that it refuses what is
// wrong.

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test-d.ts'));

/** Where each entry point begins. */
const sources: Readonly<Record<string, string>> = {
  '.': 'index.ts',
  './http': 'http/index.ts',
  './prometheus': 'telemetry/prometheus.ts',
  './otel': 'telemetry/otel.ts',
  './node-http': 'lib/node-http.ts',
  './undici': 'lib/undici-transport.ts',
  './redis': 'state/redis.ts',
  './testing': 'testing/index.ts',
  './ai-sdk': 'ai-sdk/index.ts',
};

let compiled: Compiled;
beforeAll(() => {
  compiled = compile(files);
}, 60_000);

test('code that uses everything compiles, and what is wrong in it does not', () => {
  expect(compiled.errors).toEqual([]);
});

const entryPoints = Object.keys(manifest.exports).filter((name) => !name.endsWith('.json'));

test.each(entryPoints)('every name that %s exports is used there', (entryPoint) => {
  const source = sources[entryPoint];
  if (source === undefined) throw new Error(`${entryPoint} has no source in the table above`);
  const used = new Set(files.flatMap((name) => namesUsedIn(name).get(source) ?? []));
  expect(compiled.exportsOf(source).filter((name) => !used.has(name))).toEqual([]);
});
