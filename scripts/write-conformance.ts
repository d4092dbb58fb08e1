import { adapterCases } from '../src/testing/index.ts';
import type { CaseCounts } from '../tests/_kit/conformance.ts';
import { table } from './markdown-table.ts';

const intro = `<!-- Written by scripts/write-reference.ts. -->

# Conformance

Every adapter runs the same suite against a fake of its server, three times: by itself, inside a router, and, in part, from the built
package. The suite is \`adapterCases\` of \`inferlane/testing\`, ${adapterCases.length} cases; [an adapter of your own](../guides/add-a-backend.md#the-proof) can be
held to it as well. A case is left out only where it does not concern the adapter, and the reason is named. \`cpu\` and \`stub\` have no server
to fake: the one is tested with real models in this process, the other has tests of its own.
`;

/** docs/reference/conformance.md */
export function conformancePage(counts: Readonly<Record<string, CaseCounts>>): string {
  const rows = Object.entries(counts).map(([title, { run, skipped }]) => [
    `\`${title}\``,
    String(run),
    String(Object.keys(skipped).length),
  ]);
  const groups = [...new Set(adapterCases.map(({ group }) => group))].map((group) => [
    group,
    String(adapterCases.filter((each) => each.group === group).length),
  ]);
  return [
    intro,
    '## The suite\n',
    table(['Group', 'Cases'], groups),
    '## Cases of each adapter\n',
    table(['Type', 'Run', 'Left out'], rows),
    '## Why cases are left out\n',
    ...Object.entries(counts).flatMap(([title, { skipped }]) => [`### ${title}\n`, reasonsOf(skipped)]),
  ].join('\n');
}

/** One line for each reason, with the cases that it is for. */
function reasonsOf(skipped: CaseCounts['skipped']): string {
  const reasons = [...new Set(Object.values(skipped))];
  const casesOf = (reason: string): string =>
    Object.keys(skipped)
      .filter((name) => skipped[name] === reason)
      .join('; ')
      // Else a reader of the page sees no `<think>`.
      .replaceAll('<', '&lt;');
  return reasons.length === 0 ? 'None is.\n' : reasons.map((reason) => `- ${reason}: ${casesOf(reason)}\n`).join('');
}
