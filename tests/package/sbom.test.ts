import { expect, test } from 'vitest';
import { noticedIn } from '../../scripts/licence-notices.ts';
import { type Contents, sbomOf, textOf } from '../../scripts/sbom.ts';

const integrity = `sha512-${Buffer.from('sixty-four bytes').toString('base64')}`;
const contents: Contents = {
  name: 'inferlane',
  version: '1.2.3',
  license: 'MIT',
  dependencies: ['fetching'],
  bundled: ['@scope/retrying', 'waiting'],
  locked: {
    'node_modules/fetching': { version: '2.0.0', license: '(MIT OR CC0-1.0)', integrity, dependencies: { parsing: '^1.0.0' } },
    'node_modules/parsing': { version: '1.1.0', license: 'ISC', integrity },
    'node_modules/@scope/retrying': { version: '3.0.0', license: 'MIT', integrity, dependencies: { waiting: '^4.0.0', unused: '^1.0.0' } },
    'node_modules/waiting': { version: '4.0.0', license: 'MIT' },
    'node_modules/testing': { version: '5.0.0', license: 'MIT', integrity },
  },
};
const changed = (name: string, part: object): Contents => {
  const path = `node_modules/${name}`;
  return { ...contents, locked: { ...contents.locked, [path]: { ...contents.locked[path], ...part } as Contents['locked'][string] } };
};

test('names what is bundled and what is installed, and nothing that only tests need', () => {
  const { components } = sbomOf(contents);
  expect(components.map(({ purl, properties }) => [purl, properties?.[0].value])).toEqual([
    ['pkg:npm/%40scope/retrying@3.0.0', 'true'],
    ['pkg:npm/fetching@2.0.0', undefined],
    ['pkg:npm/parsing@1.1.0', undefined],
    ['pkg:npm/waiting@4.0.0', 'true'],
  ]);
});

test('says who needs whom, among those who are in it', () => {
  const edges = sbomOf(contents).dependencies.filter(({ dependsOn }) => dependsOn.length > 0);
  expect(edges).toEqual([
    { ref: 'pkg:npm/inferlane@1.2.3', dependsOn: ['pkg:npm/%40scope/retrying@3.0.0', 'pkg:npm/fetching@2.0.0'] },
    { ref: 'pkg:npm/%40scope/retrying@3.0.0', dependsOn: ['pkg:npm/waiting@4.0.0'] },
    { ref: 'pkg:npm/fetching@2.0.0', dependsOn: ['pkg:npm/parsing@1.1.0'] },
  ]);
});

test('has the licence and the hash of each', () => {
  const [, fetching, parsing, waiting] = sbomOf(contents).components;
  expect(fetching?.licenses).toEqual([{ expression: '(MIT OR CC0-1.0)' }]);
  expect(parsing?.licenses).toEqual([{ license: { id: 'ISC' } }]);
  expect(parsing?.hashes).toEqual([{ alg: 'SHA-512', content: Buffer.from('sixty-four bytes').toString('hex') }]);
  expect(waiting?.hashes).toBeUndefined();
});

test('is the same text for the same contents, without a time, and another one for others', () => {
  const text = textOf(sbomOf(contents));
  const { serialNumber } = sbomOf(contents);
  expect(textOf(sbomOf(structuredClone(contents)))).toBe(text);
  expect(text).not.toMatch(/timestamp|\d{4}-\d{2}-\d{2}T/);
  expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(sbomOf(changed('waiting', { version: '4.0.1' })).serialNumber).not.toBe(serialNumber);
});

test.each<[string, Contents, string]>([
  ['is not installed', { ...contents, bundled: ['unknown'] }, 'unknown is not in package-lock.json.'],
  ['has no licence', changed('waiting', { license: undefined }), 'waiting does not say under which licence it is.'],
  ['has a weaker hash', changed('parsing', { integrity: 'sha1-AAAA' }), 'sha1-AAAA is no SHA-512.'],
])('stops where a part %s', (_what, given, message) => {
  expect(() => sbomOf(given)).toThrow(message);
});

test('a notice is told from other comments, as it is written and as esbuild gathers it', () => {
  const text = '/*! one: MIT */\n/*! https://example.com */\n/*! a text: of theirs */\n(*! @two/three: ISC *)';
  expect(noticedIn(text)).toEqual(['one', '@two/three']);
});
