import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encode, list, type Model } from '../tiny-model/gguf.ts';
import { agent, bert, chain, count, random } from '../tiny-model/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'inferlane-tiny-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

function bytesOf(model: Model): Buffer {
  return Buffer.concat(encode(model));
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

describe('a tiny model', () => {
  test.each<[string, Model, string]>([
    ['chain', chain(), '54f2eca0084b76d1'],
    ['chain with options', chain({ loop: true, layers: 3, ff: 64, ctx: 512, name: 'foo', template: false }), 'abd659eb8af71326'],
    ['chain with a text', chain({ text: 'One two three! Four, five?' }), 'e5799619516ff86c'],
    ['count', count(), '4e6fa0ea1a711355'],
    ['agent', agent(), '4eb62d68d5a54cac'],
    ['random', random(), '6a6de235a99e0979'],
    ['random with options', random({ seed: 7, layers: 3, embd: 32 }), '922883bd00863e7f'],
    ['bert', bert(), '7bb5f65088b0ad89'],
    ['bert with options', bert({ seed: 5, layers: 1 }), '436f2cd28846afb4'],
  ])('%s is the same file to the byte, always', (_kind, model, hash) => {
    expect(hashOf(bytesOf(model))).toBe(hash);
  });

  test('is a GGUF of version 3 with its counts, and whole blocks of 32 bytes', () => {
    const model = chain();
    const bytes = bytesOf(model);
    expect(bytes.toString('latin1', 0, 4)).toBe('GGUF');
    expect(bytes.readUInt32LE(4)).toBe(3);
    expect(bytes.readBigUInt64LE(8)).toBe(BigInt(model.tensors.length));
    expect(bytes.readBigUInt64LE(16)).toBe(BigInt(Object.keys(model.metadata).length));
    expect(bytes.length % 32).toBe(0);
  });

  test('shares the bytes of its idle layers, so a large one takes little memory', () => {
    const distinct = new Set(chain({ layers: 24, ff: 6144 }).tensors.map(({ data }) => data.buffer));
    expect(distinct.size).toBeLessThan(12);
  });

  test('cannot say a word twice', () => {
    expect(() => chain({ text: 'say no no' })).toThrow('once only');
  });

  test('refuses an empty list, which would have no type', () => {
    expect(() => list([])).toThrow('needs an item');
  });
});

describe('the command', () => {
  const main = new URL('../../examples/tiny-model/main.ts', import.meta.url).pathname;
  const run = (...args: string[]): string => execFileSync(process.execPath, [main, ...args], { encoding: 'utf8', stdio: 'pipe' });

  test('writes the model that its arguments describe', () => {
    const out = join(folder, 'chain.gguf');
    expect(run('chain', out, '--text', 'Yes indeed.', '--loop', '--layers', '2')).toContain('bytes');
    expect(readFileSync(out)).toEqual(bytesOf(chain({ text: 'Yes indeed.', loop: true, layers: 2 })));
  });

  test.each([[[]], [['chain']], [['other', 'out']], [['toString', 'out']]])('refuses %o with how it is used', (args) => {
    expect(() => run(...args)).toThrow('usage');
  });
});
