import type { Requirement } from '../tests/requirements/row.ts';
import { contradictions, defects, goneDefaults, requirementsOf, systems } from '../tests/requirements/table.ts';
import { presets } from '../src/index.ts';
import { table } from './markdown-table.ts';

const intro = `<!-- Written by scripts/write-reference.ts. -->

# Requirements

Five systems are one configuration here, each a [preset](environment.md#presets). This page has what each of them must do, a line at a time:
what it is called here, and the tests that hold it, by their file in \`tests/\` and their title. A group of tests stands for all that are in it,
and … for the cases of a list. No line is without a test.
`;

/** docs/reference/requirements.md */
export function requirementsPage(): string {
  return [
    intro,
    summary(),
    ...systems.flatMap((each) => [
      `## The ${each.system} system\n\n${presets[each.system].about}\n`,
      ...Object.entries(each.topics).map(
        ([topic, rows]) => `### ${topic}\n\n${table(['What must hold', 'Here', 'Held by'], rows.map(cells))}`,
      ),
    ]),
    '## Mistakes that were made before\n',
    'An implementation of the switchable system made each of these once.\n',
    table(
      ['Mistake', 'Here', 'Held by'],
      defects.map(({ what, instead, tests }, index) => [`${index + 1}. ${what}`, instead, testsText(tests)]),
    ),
    '## Where the systems contradict each other\n',
    table(
      ['About', 'What holds', 'Held by'],
      contradictions.map(({ topic, here, tests }) => [topic, here, testsText(tests)]),
    ),
    '## What is gone\n',
    'The systems take these for granted.\n',
    table(
      ['What', 'Here', 'Held by'],
      goneDefaults.map(({ what, here, tests }) => [what, here, testsText(tests)]),
    ),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function summary(): string {
  const rows = systems.map((each) => [`\`${each.system}\``, String(requirementsOf(each).length)]);
  return table(['Preset', 'Lines'], rows);
}

function cells({ what, here, tests }: Requirement): string[] {
  return [what, here, testsText(tests)];
}

function testsText(tests: readonly string[]): string {
  return tests.map(testText).join('; ');
}

/** As code, so that nothing in a title is markup. Where a title is nothing but its cases, its group or file says what they are. */
function testText(reference: string): string {
  const [name = '', ...rest] = reference.split(': ');
  const parts = rest
    .join(': ')
    .split(' › ')
    .map(withoutHoles)
    .filter((part) => /\p{L}/u.test(part));
  const text = parts.length === 0 ? name : `${name}: ${parts.join(' › ')}`;
  return `\`${text.replaceAll('`', '').replaceAll('|', String.raw`\|`)}\``;
}

function withoutHoles(title: string): string {
  return title.replaceAll(/%[sdifjo]|\$\w+/g, '…');
}
