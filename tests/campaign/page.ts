import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { Written } from './_kit/run-identity.ts';
import { jobs } from './jobs.ts';
import { pageOf } from './page-text.ts';

// Writes docs/reference/campaign.md from the reports of the last long run: node tests/campaign/page.ts
const folder = new URL('../../campaign-report/', import.meta.url);

const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
const reports = await Promise.all(files.map(async (name) => JSON.parse(await readFile(new URL(name, folder), 'utf8')) as Written));
await writeFile(new URL('../../docs/reference/campaign.md', import.meta.url), pageOf(reports, Object.keys(jobs)));
