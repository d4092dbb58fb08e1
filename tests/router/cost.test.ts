import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';

// What a call costs is counted here, and not timed: promises, and bytes that are left behind. Both are the same on every machine, and a
// call's time follows them. The bounds lie a tenth above what was measured for promises, a fifth for bytes.

interface Cost {
  readonly bytes: number;
  readonly promises: number;
}

/** So large that nothing is collected while it is counted. */
const flags = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];

const program = fileURLToPath(new URL('../_kit/cost-program.ts', import.meta.url));

let costs: { readonly chat: Cost; readonly token: Cost };

beforeAll(async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program]);
  costs = JSON.parse(stdout) as typeof costs;
}, 60_000);

describe('a chat over one provider, without its network', () => {
  test('takes 23 promises', () => expect(costs.chat.promises).toBeLessThanOrEqual(25));
  test('leaves 20.6 KB behind', () => expect(costs.chat.bytes).toBeLessThan(25_000));
  test('is counted at all', () => expect([costs.chat.promises > 10, costs.chat.bytes > 5_000]).toEqual([true, true]));
});

describe('a token that comes alone', () => {
  test('takes 11.2 promises', () => expect(costs.token.promises).toBeLessThanOrEqual(12.5));
  test('leaves 3.7 KB behind', () => expect(costs.token.bytes).toBeLessThan(4_500));
  test('is counted at all', () => expect([costs.token.promises > 4, costs.token.bytes > 1_000]).toEqual([true, true]));
});
