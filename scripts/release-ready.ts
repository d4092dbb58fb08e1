import { readFileSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };

// May this be published? `node scripts/release-ready.ts v0.2.0` asks before the release of a tag, `npm run release` before there is one.

export interface Release {
  readonly version: string;
  /** The `repository` of package.json. */
  readonly repository: unknown;
  readonly changelog: string;
  /** As it was pushed; undefined where there is none yet. */
  readonly tag: string | undefined;
}

/** The text after `## ` in the newest heading of CHANGELOG.md. */
export function newestHeading(changelog: string): string {
  return /^## (.*)$/m.exec(changelog)?.[1] ?? '';
}

/** What stands against it, a sentence each. */
export function obstacles({ version, repository, changelog, tag }: Release): string[] {
  const heading = newestHeading(changelog);
  const found: string[] = [];
  if (tag !== undefined && tag !== `v${version}`) found.push(`The tag is ${tag}, and package.json says ${version}.`);
  if (!/^\S+ \(\d{4}-\d{2}-\d{2}\)$/.test(heading) || !heading.startsWith(`${version} `)) {
    found.push(`CHANGELOG.md begins with "${heading}", and has to begin with "${version} (<year>-<month>-<day>)".`);
  }
  if (repository === undefined) {
    found.push('package.json has no "repository": npm compares it with the place that a provenance names, and refuses what does not fit.');
  }
  return found;
}

function report(tag: string | undefined): void {
  const { version } = manifest;
  const repository = 'repository' in manifest ? manifest.repository : undefined;
  const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8');
  const found = obstacles({ version, repository, changelog, tag });
  for (const sentence of found) console.error(sentence);
  if (found.length > 0) process.exitCode = 1;
  else console.log(`${version} may be published.`);
}

if (import.meta.main) report(process.argv[2]);
