import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import manifest from '../package.json' with { type: 'json' };
import { noticedIn } from './licence-notices.ts';

// What the package is made of, as CycloneDX 1.6: `node scripts/sbom.ts`, after the build. Scanners see in a user's node_modules what npm
// put there, and nothing of what is inside of dist/; so the list lies in dist/ too, and is shipped. It holds no time and no chance: two
// builds of the same source have the same list.

/** What package-lock.json says of an installed package. */
export interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface Contents {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Names of what npm installs for a user. */
  readonly dependencies: readonly string[];
  /** Names of packages whose code is in the build. */
  readonly bundled: readonly string[];
  /** `packages` of package-lock.json. */
  readonly locked: Readonly<Record<string, Locked>>;
}

export interface Component {
  readonly type: 'library';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly [{ readonly license: { readonly id: string } } | { readonly expression: string }];
  readonly hashes?: readonly [{ readonly alg: 'SHA-512'; readonly content: string }];
  readonly properties?: readonly [{ readonly name: string; readonly value: string }];
}

export interface Sbom {
  readonly $schema: string;
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly serialNumber: string;
  /** Of this list, not of the package. */
  readonly version: 1;
  readonly metadata: { readonly lifecycles: readonly [{ readonly phase: 'build' }]; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export function sbomOf(contents: Contents): Sbom {
  const { bundled, dependencies, locked } = contents;
  const itself = component(contents);
  const names = [...new Set([...bundled, ...dependencies.flatMap((name) => [name, ...neededBy(name, locked)])])].sort();
  const components = names.map((name) => {
    const { version, license, integrity } = lockedAs(name, locked);
    return component({ name, version, license: license ?? '', integrity, isBundled: bundled.includes(name) });
  });
  const refOf = new Map(components.map((each) => [each.name, each['bom-ref']]));
  const edges = names.map((name) => ({ name, needs: Object.keys(lockedAs(name, locked).dependencies ?? {}) }));
  const needed = new Set(edges.flatMap(({ needs }) => needs));
  const refsOf = (each: readonly string[]): string[] => each.flatMap((name) => refOf.get(name) ?? []).sort();
  const body: Pick<Sbom, 'metadata' | 'components' | 'dependencies'> = {
    metadata: { lifecycles: [{ phase: 'build' }], component: itself },
    components,
    dependencies: [
      { ref: itself['bom-ref'], dependsOn: refsOf(names.filter((name) => !needed.has(name))) },
      ...edges.map(({ name, needs }) => ({ ref: refOf.get(name) ?? '', dependsOn: refsOf(needs) })),
    ],
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialNumberOf(JSON.stringify(body)),
    version: 1,
    ...body,
  };
}

interface Described {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly integrity?: string | undefined;
  readonly isBundled?: boolean;
}

function component({ name, version, license, integrity, isBundled = false }: Described): Component {
  if (license === '') throw new Error(`${name} does not say under which licence it is.`);
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    licenses: [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }],
    // Of the archive at the registry, which is what was installed before it was bundled.
    ...(integrity !== undefined && { hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }] }),
    ...(isBundled && { properties: [{ name: 'cdx:npm:package:bundled', value: 'true' }] }),
  };
}

function hexOf(integrity: string): string {
  if (!integrity.startsWith('sha512-')) throw new Error(`${integrity} is no SHA-512.`);
  return Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
}

/** What is bundled or installed for users lies at the top of node_modules; tests/package.test.ts sees to that. */
function lockedAs(name: string, locked: Contents['locked']): Locked {
  const found = locked[`node_modules/${name}`];
  if (found === undefined) throw new Error(`${name} is not in package-lock.json.`);
  return found;
}

function neededBy(name: string, locked: Contents['locked']): string[] {
  return Object.keys(lockedAs(name, locked).dependencies ?? {}).flatMap((each) => [each, ...neededBy(each, locked)]);
}

/** The same for the same contents: a UUID of version 8, which is free to be made of anything. */
function serialNumberOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Of the build as it lies in dist/. */
export function contentsOfBuild(): Contents {
  const root = new URL('../', import.meta.url);
  const built = readdirSync(new URL('dist/', root)).filter((name) => name.endsWith('.js'));
  const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as { packages: Record<string, Locked> };
  const bundled = new Set(built.flatMap((name) => noticedIn(readFileSync(new URL(`dist/${name}`, root), 'utf8'))));
  const { name, version, license, dependencies } = manifest;
  return { name, version, license, dependencies: Object.keys(dependencies), bundled: [...bundled].sort(), locked: packages };
}

export function textOf(sbom: Sbom): string {
  return `${JSON.stringify(sbom, undefined, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('../dist/sbom.cdx.json', import.meta.url), textOf(sbomOf(contentsOfBuild())));
