import type * as z from 'zod/mini';
import type { Findings, Path } from './findings.ts';

type Issue = z.core.$ZodIssue;

/** What a schema found wrong, each with its own place: an unknown name, and what is inside the branch of a union that was meant. */
export function refuseIssues(issues: readonly Issue[], findings: Findings, base: Path = []): void {
  for (const issue of issues) refuseIssue(issue, [...base, ...issue.path.map(toPart)], findings);
}

function refuseIssue(issue: Issue, path: Path, findings: Findings): void {
  if (issue.code === 'unrecognized_keys') {
    // `strict()` writes one sentence for each.
    const sentences = issue.message.split('\n');
    issue.keys.forEach((key, index) => findings.refuse([...path, key], sentences[index] ?? 'unknown option'));
    return;
  }
  const inside = issue.code === 'invalid_union' ? issue.errors.find(fits) : undefined;
  if (inside === undefined) findings.refuse(path, issue.message);
  else refuseIssues(inside, findings, path);
}

/** The branch of a union that was meant: the one whose own kind of value was given, with something wrong inside. */
function fits(branch: readonly Issue[]): boolean {
  return branch.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys');
}

function toPart(part: PropertyKey): string | number {
  return typeof part === 'number' ? part : String(part);
}
