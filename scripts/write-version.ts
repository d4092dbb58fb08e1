// Writes the version of package.json into the source. `npm version` runs it.
import { readFileSync, writeFileSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };

const file = new URL('../src/http/version.ts', import.meta.url);
const line = `export const version = '${manifest.version}';`;
writeFileSync(file, readFileSync(file, 'utf8').replace(/^export const version = .*$/m, line));
