import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import type { Written } from '../_kit/run-identity.ts';
import type { FleetDetail } from './detail.ts';
import { fleetPageOf } from './page-text.ts';

// Writes docs/reference/fleet.md from the report of the last long run: npm run campaign -- --only fleet && node tests/campaign/fleet/page.ts
const root = new URL('../../../', import.meta.url);
const report = JSON.parse(await readFile(new URL('campaign-report/fleet.json', root), 'utf8')) as Written & { detail: FleetDetail };
const said = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
const version = /v=([\d.]+)/.exec(said)?.[1] ?? 'of unknown version';
await writeFile(new URL('docs/reference/fleet.md', root), fleetPageOf(report, `Redis ${version}`));
