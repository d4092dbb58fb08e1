import { table } from '../../scripts/markdown-table.ts';
import type { ScenarioReport } from './scenario.ts';

export interface Told extends ScenarioReport {
  readonly letter: string;
  readonly title: string;
  readonly seconds: number;
}

export interface Circumstances {
  readonly version: string;
  readonly node: string;
  readonly seed: number;
  readonly rounds: number;
  readonly seconds: number;
}

/** docs/reference/routing-sim.md */
export function simulatorPage(told: readonly Told[], circumstances: Circumstances): string {
  const figures = told.flatMap(({ letter, figures: all }) => all.map((figure) => ({ letter, ...figure })));
  const rows = figures.map(({ letter, name, goal, measured, holds }) => [
    `(${letter}) ${name}`,
    measured,
    goal,
    holds ? 'holds' : '**missed**',
  ]);
  return [
    '<!-- Written by `npm run sim -- --page`. -->\n',
    '# Routing policies, simulated\n',
    intro(circumstances),
    '## Figures\n',
    table(['Figure', 'Measured', 'Goal', ''], rows),
    ...told.filter(({ tables }) => tables.length > 0).flatMap(sectionOf),
    '## What is assumed\n',
    ...assumptions.map((line) => `- ${line}\n`),
  ].join('\n');
}

function intro({ version, node, seed, rounds, seconds }: Circumstances): string {
  return `What one run of \`npm run sim\` measured, in virtual time: inferlane ${version}, Node ${node}, seed ${seed}, ${Math.round(seconds / 60)} minutes. The router is the real one, with
adapters over simulated servers, and all that it knows it has learned from them; the others choose in a dispatcher of a few lines. Every policy
meets the same servers and the same requests. All but (c) ran ${rounds} times, each time with another seed: the tables are those of the
first, a figure shows every value and has to hold in each. The same seed gives the same tables. \`npm run sim -- --only b,f --seed 7\` runs some of it with a
seed of your choice, \`--quick\` a small form of all.
`;
}

function sectionOf({ letter, title, about, tables }: Told): string[] {
  return [
    `## (${letter}) ${title}\n`,
    about.map((line) => `${line}\n`).join('\n'),
    ...tables.flatMap(({ title: name, head, rows }) => [`### ${name}\n`, table(head, rows)]),
  ];
}

const assumptions = [
  'A server has slots; a request holds one from its first moment to its last. Each slot is as fast as if it were alone. What comes when all are taken waits, first come first served, as at Ollama, llama.cpp and vLLM.',
  'Time to the first token: the wait, the load of a model that is not in memory, the way there and back, and the tokens of the prompt that are in no cache. It counts from the moment when the application asks.',
  'Servers tell the truth about what runs and waits at them, how many slots they have, and what is in memory; the router asks every 10 s, its default. The dispatcher asks nobody.',
  'Nobody gives up: no limit of time ends a request. A failure before the first token goes on with another server, up to three attempts.',
  '`used` is slot time taken by slot time there was; `wasted` is slot time of attempts that gave nothing, by all slot time taken.',
  '`LiteLLM, latency` follows the documentation and defaults of its `latency-based-routing`: the lowest average time to the first token of the last 10 calls within an hour, `lowest_latency_buffer` 0, equals by chance, untried ones first; `tuned` is with the best of a dozen settings that were tried on the mixed rack, a buffer of 10: whoever takes up to eleven times as long as the fastest is its equal (the values of its documentation’s examples, a window of 10 s and a buffer of 0.5, are worse than the defaults there: what nobody has asked for 10 s is untried, and gets everything); a deployment with more than 50% failures of at least 5 calls in a minute rests for 5 s. A timeout would count as 1,000 s; there are none here.',
  '`prefix-only` goes wherever most of the prompt was sent before, and knows nothing of load.',
];
