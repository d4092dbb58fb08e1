import { table } from '../../scripts/markdown-table.ts';
import { type Case, cases, type Form, type Verdict, verdictWords } from './cases.ts';
import type { CellResult } from './rig.ts';
import type { CandidateRun } from './run-candidate.ts';

/** The runs of one candidate, one for each round. */
export type Rounds = readonly CandidateRun[];

interface Setup {
  readonly node: string;
  readonly patienceMs: number;
}

const survivedIn = (run: CandidateRun, form?: Form): CellResult[] =>
  run.cells.filter((cell) => cell.survived && (form === undefined || cell.form === form));
const countOf = (run: CandidateRun, verdicts: readonly Verdict[]): number =>
  run.cells.filter(({ verdict }) => verdicts.includes(verdict)).length;

/** `12`, or `12 to 14` where the rounds differ. */
function range(rounds: Rounds, count: (run: CandidateRun) => number): string {
  const counts = rounds.map(count);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
}

/** docs/reference/wall.md */
export function wallPage(all: readonly Rounds[], { node, patienceMs }: Setup): string {
  const groups = [...new Set(cases.map(({ group }) => group))];
  return [
    '<!-- Written by `npm run wall`. -->\n',
    '# The wall of faults\n',
    intro(node, patienceMs, all[0]?.length ?? 0),
    '## Who survives what\n',
    summary(all),
    "`wrong text`: `partial as success`, `duplicated`, `stranger's answer` or `swallowed`, that is, an answer nobody gave. `lost`: `hang` or `untyped`.\n",
    '## What each was given\n',
    all.map(([run]) => `- **${run?.name}** (${run?.packages.join(', ')}): ${run?.given}.\n`).join(''),
    '## Every case\n',
    'Bold is what was not survived. One verdict stands for both forms, or `chat` and `stream` are told apart; `expected` was decided before anything ran.\n',
    ...groups.flatMap((group) => [`### ${group}\n`, groupTable(all, group)]),
    '## The words\n',
    table(
      ['Verdict', 'Means'],
      Object.entries(verdictWords).map(([word, meaning]) => [`\`${word}\``, meaning]),
    ),
    '## Cells that differed between the rounds\n',
    unstable(all),
  ].join('\n');
}

function intro(node: string, patienceMs: number, rounds: number): string {
  const count = cases.reduce((sum, { forms }) => sum + forms.length, 0);
  return `The same faults against \`inferlane\` and its peers: ${cases.length} cases, ${count} cells, ${rounds} rounds, Node ${node}. Two loopback servers that speak OpenAI's
protocol, as raw bytes from a process of their own, the first with the fault and the second in good health; a third one, under another host's name,
that nobody was told of. Each candidate runs in a process of its own, with a new client for each case and a patience of ${patienceMs / 1_000} s for a call, or
${Math.round((patienceMs * 5) / 12) / 1_000} s for one of two attempts where a package bounds attempts. Run it with \`npm run wall\`: the peers are installed into \`bench/wall\` and nowhere else.

Of its settings for fallbacks, retries, memory and time each peer was given those that were found to survive most here; they stand below, row by row, and
\`ai-fallback\` as its README has it stands beside its tuned form. Nobody was given a transport of its own, ours included: redirects and the size of an answer are left to
defaults. The rest was settled in a peer's favour too: an error counts as typed if its class or its name is not one of JavaScript's own, the AI SDK is
read through \`fullStream\`, which tells of failures that \`textStream\` drops, and errors of the AI SDK, which carry the request with its prompt by design, are held
against it only in the one case that is about prompts. The loop by hand is ours: better ones can be written.
`;
}

const totalOf = (form: Form): number => cases.filter(({ forms }) => forms.includes(form)).length;

function summary(all: readonly Rounds[]): string {
  const head = [
    'Candidate',
    `Chat, of ${totalOf('chat')}`,
    `Stream, of ${totalOf('stream')}`,
    'Wrong text',
    'Lost',
    'Leaks',
    'Uncaught rejections',
  ];
  const rows = all.map((rounds) => [
    rounds[0]?.name ?? '',
    range(rounds, (run) => survivedIn(run, 'chat').length),
    range(rounds, (run) => survivedIn(run, 'stream').length),
    range(rounds, (run) => countOf(run, ['partial as success', 'duplicated', "stranger's answer", 'swallowed'])),
    range(rounds, (run) => countOf(run, ['hang', 'untyped'])),
    range(rounds, (run) => countOf(run, ['leak'])),
    range(rounds, ({ unhandled }) => unhandled.length),
  ]);
  return table(head, rows);
}

function groupTable(all: readonly Rounds[], group: string): string {
  const rows = cases
    .filter((each) => each.group === group)
    .map((each) => [each.title, each.expected.join(' or '), ...all.map((rounds) => cellText(each, rounds))]);
  return table(['Case', 'Expected', ...all.map(([run]) => run?.name ?? '')], rows);
}

function cellText(each: Case, rounds: Rounds): string {
  const texts = each.forms.map((form) => ({ form, text: formText(each.id, form, rounds) }));
  if (new Set(texts.map(({ text }) => text)).size === 1) return texts[0]?.text ?? '';
  return texts.map(({ form, text }) => `${form}: ${text}`).join('<br>');
}

function formText(id: string, form: Form, rounds: Rounds): string {
  const words = rounds.map((run) => {
    const cell = cellOf(run, id, form);
    if (cell === undefined) return '**not run**';
    const word = / times?$|^(?:key|prompt) /.test(cell.note) ? `${cell.verdict} (${cell.note})` : cell.verdict;
    return cell.survived ? word : `**${word}**`;
  });
  return [...new Set(words)].join(' ~ ');
}

function cellOf(run: CandidateRun, id: string, form: Form): CellResult | undefined {
  return run.cells.find((cell) => cell.id === id && cell.form === form);
}

function unstable(all: readonly Rounds[]): string {
  const lines = all.flatMap((rounds) =>
    cases.flatMap((each) =>
      each.forms
        .filter((form) => new Set(rounds.map((run) => cellOf(run, each.id, form)?.verdict)).size > 1)
        .map(
          (form) =>
            `- ${rounds[0]?.name ?? ''}, ${each.title}, ${form}: ${rounds.map((run) => cellOf(run, each.id, form)?.verdict).join(', ')}\n`,
        ),
    ),
  );
  return lines.length === 0 ? 'None did.\n' : lines.join('');
}
