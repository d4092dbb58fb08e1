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

async function told(name: string, given: readonly string[]): Promise<unknown> {
  const program = fileURLToPath(new URL(`../_kit/${name}.ts`, import.meta.url));
  return JSON.parse((await promisify(execFile)(process.execPath, [...given, program])).stdout);
}

let costs: { readonly chat: Cost; readonly token: Cost };
let survivingBytes: { readonly chat: number; readonly stream: number };

beforeAll(async () => {
  costs = (await told('cost-program', flags)) as typeof costs;
  survivingBytes = (await told('survivors-program', ['--expose-gc'])) as typeof survivingBytes;
}, 60_000);

describe('a chat over one provider, without its network', () => {
  test('takes 23 promises', () => expect(costs.chat.promises).toBeLessThanOrEqual(25));
  test('leaves 20.6 KB behind', () => expect(costs.chat.bytes).toBeLessThan(25_000));
  test('is counted at all', () => expect([costs.chat.promises > 10, costs.chat.bytes > 5_000]).toEqual([true, true]));
});

describe('a token that comes alone', () => {
  test('takes 5.2 promises', () => expect(costs.token.promises).toBeLessThanOrEqual(5.8));
  test('leaves 2.6 KB behind', () => expect(costs.token.bytes).toBeLessThan(3_100));
  test('is counted at all', () => expect([costs.token.promises > 2, costs.token.bytes > 500]).toEqual([true, true]));
});

// What the collection of new objects takes for alive it copies, twice. The calls that were under way at the time are 400 to 650 bytes of each
// chat and 1,400 to 1,750 of each stream; with a `Set` of those who listen for the shutdown it was 2,100 and 11,000, with a registry that
// leads to the reader of a stream 13,000.
describe('a call that is over', () => {
  test('is gone with all that it held, when it was a chat', () => expect(survivingBytes.chat).toBeLessThan(1_200));
  test('is gone with all that it held, when it was a stream', () => expect(survivingBytes.stream).toBeLessThan(4_000));
  test('is counted at all', () => expect([survivingBytes.chat > 0, survivingBytes.stream > 0]).toEqual([true, true]));
});
