import type { Reporter, TestModule, TestRunEndReason, TestSpecification } from 'vitest/node';

/**
 * Closes a run with `N passed, N failed, N skipped` alone on a line, for readers that know no vitest.
 *
 * A file that was asked for and came back with no test at all counts as one failure: a suite that
 * silently vanished must not look like a suite that passed.
 */
export default class PlainReporter implements Reporter {
  #expected: string[] = [];

  onTestRunStart(specifications: ReadonlyArray<TestSpecification>): void {
    this.#expected = specifications.map((specification) => specification.moduleId);
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>, reason: TestRunEndReason): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const seen = new Set<string>();

    for (const module of modules) {
      for (const test of module.children.allTests()) {
        seen.add(module.moduleId);
        const { state } = test.result();
        counts[state === 'pending' ? 'failed' : state] += 1;
      }
      // Errors outside any test: the file did not load, or a hook threw.
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      if (module.errors().length > 0) seen.add(module.moduleId);
    }

    const missing = this.#expected.filter((id) => !seen.has(id));
    for (const id of missing) console.error(`no test ran in ${id}`);
    counts.failed += missing.length;
    if (reason === 'failed' && counts.failed === 0) counts.failed = 1;
    if (counts.passed + counts.failed === 0) counts.failed = 1;
    if (counts.failed > 0) process.exitCode = 1;

    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}
