// Runs the commands that docs/guides/command-line.md shows, and writes what they print under them.
import { readFileSync, writeFileSync } from 'node:fs';
import { withCaptures } from '../tests/cli/captures.ts';

const page = new URL('../docs/guides/command-line.md', import.meta.url);
writeFileSync(page, await withCaptures(readFileSync(page, 'utf8')));
