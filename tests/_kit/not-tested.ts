import { test } from 'vitest';

/**
 * In the place of a suite that cannot run: says so, as a test that is skipped, because each name of a test is printed. On a build server it
 * is one that fails. `reason`: why, or what to do.
 */
export function notTested(why: string, reason: string): void {
  const sentence = `NOT TESTED, because ${why}`;
  if ((process.env['CI'] ?? '') !== '') {
    test(sentence, () => {
      throw new Error(reason);
    });
    return;
  }
  process.stderr.write(`\n${sentence}\n${reason}\n`);
  test.skip(sentence);
}
