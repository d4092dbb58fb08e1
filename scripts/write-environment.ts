import { allRows } from '../src/config/env-settings.ts';
import { envTable, familyName } from '../src/config/env-table.ts';
import { presets } from '../src/config/presets.ts';
import { envTargets } from '../src/config/env-targets.ts';
import type { EnvKind } from '../src/config/env-parsers.ts';
import { usualRatio } from '../src/config/share-calls.ts';
import { table } from './markdown-table.ts';

const intro = `<!-- Written by scripts/write-reference.ts. -->

# Environment

\`createRouter()\` without options reads the environment. \`fromEnv(process.env, { preset })\` gives the same as plain options that can be
spread and changed, with \`report\` beside them: for each variable that is set, the options it produced, or why it produced none. \`report\` is
not copied when the options are spread. The tables below name every variable that is read; no other one is.

A variable that cannot be understood, or is empty, is an issue and never a default. No issue, warning or report shows a value.
`;

const kinds: Readonly<Record<EnvKind, string>> = {
  'a URL': 'An [address](config.md#addresses).',
  'a host': '`host`, `host:port`, `:port` or `http://host`, as Ollama reads it; port 11434 unless a scheme stands in front.',
  'a key': 'A key, without `Bearer`. Stray blanks and quotes around it are taken off, with a warning.',
  'a list of keys': 'Keys with commas between them; of those of a provider the first one is used.',
  'a name': 'Text: the name of a model, or the path of a file.',
  'a header': 'Text that a header can carry.',
  text: 'Text of one line. As `metadata` it is shown by `health()` and never an issue, also where it is empty.',
  'true or false': '`true`, `1`, `yes`, `on`, or `false`, `0`, `no`, `off`, in any case.',
  'a whole number': '0 to 999999.',
  'a number of threads': '0 to 1024.',
  'a number of seconds': 'Above 0, at most 86400, without a unit.',
  'a duration': '`30m`, `1h30m`, `90s`; seconds without a unit; below 0: for ever.',
  'a share': 'Above 0 and below 1, with six decimals at most.',
  'a provider': '`openai`, `ollama`, `vllm`, `llamacpp`, `textgen`.',
  'a list of providers': 'The same, with commas between them. Empty: none.',
  'a backend': '`nvidia`, `together_ai`, `cpu`, or `auto`: whoever is there.',
  'a list of names': `With commas between them: ${Object.values(envTargets)
    .flatMap(({ names }) => names.map((name) => `\`${name}\``))
    .join(', ')}, \`gpu\`, and the names of \`${familyName}\`.`,
  'a preset': `${Object.keys(presets)
    .map((name) => `\`${name}\``)
    .join(', ')}.`,
};

const rules = `## Who goes first, who follows

- **First:** what \`INFERENCE_PROVIDER\` or \`PRIMARY_BACKEND\` names; without them the Ollama servers that variables describe (\`gpu\`, \`cpu\` and
  \`ollama\` side by side, ordered by the intent); without those the first provider that is described, in the order ${Object.values(
    envTargets,
  )
    .filter(({ type }) => type !== 'stub')
    .map(({ id }) => `\`${id}\``)
    .join(', ')}.
- **Behind it:** exactly what \`FALLBACK_CHAIN\` or \`SECONDARY_BACKEND\` names; without them everything else that has an address, a model file or
  the key of a cloud in a variable of its own, what costs money last. The order is written as \`priority\`: 0, 1, 2 … A chain that names the
  first provider does not try it twice.
- \`PROVIDER_ORDER\` is the whole list, with any preset, and stands before all of these. A first provider that it contradicts is an issue.
- \`ollama\` in a list means all the Ollama servers that variables describe, or the one on the usual address; \`gpu\` and \`cpu\` in
  \`PROVIDER_ORDER\` mean one of them. \`cpu\` is the model in this process where no variable describes a CPU server of Ollama.
- \`ENABLE_FALLBACK=false\` or \`AUTO_FAILOVER=false\` leaves one server: the one of \`LOCAL_INFERENCE_URL\`, else the first of the order.
- \`LOAD_BALANCING=true\` sends \`LOAD_RATIO\` of the calls (${usualRatio} where it is not set) to the first of the two providers and the rest to the second;
  each stands in for the other, unless failing over is off. It holds for \`heavy\` as for \`fast\`; who else is there comes behind both.
- \`LOCAL_INFERENCE_URL\` and \`LOCAL_MODEL_NAME\` belong to the first provider and to no other: a chain's members keep the addresses and models
  of their own variables or types. The address is an issue without \`INFERENCE_PROVIDER\`, and both are a warning where they are not used.
- \`*_TIMEOUT\` is the limit of an attempt. Where the limits of three attempts come to more than the deadline of a call (120 s), the deadline is
  raised to their sum.

## Paying

\`INFERENCE_PROVIDER\`, \`PRIMARY_BACKEND\`, \`FALLBACK_CHAIN\`, \`SECONDARY_BACKEND\` and \`PROVIDER_ORDER\` are consent to pay for the providers they
name, and other paid ones are left out then; \`ENABLE_PAID_API=true\` is consent to pay for all. A key alone is none where something free is
there: its provider gets the calls that name it. Where nothing else is described, the first in the order above is consent for itself, and the
others are left out with a warning. \`ENABLE_PAID_API=false\` next to a list that names a paid provider is an issue.

## Several variables for one thing

Variables that set the same option of the same provider must agree, however they are spelt; two values are an issue. These give way instead:
`;

const between = `
\`OLLAMA_BASE_URL\` with the address of \`OLLAMA_GPU_URL\` or \`OLLAMA_CPU_URL\` is that server under a second name.

## Presets

A preset says which variables choose, who is there without a variable of its own, and what the router does besides. \`INFERLANE_PRESET\`, or
\`fromEnv(env, { preset })\`, which stands before it. What variables say comes over all of it.
`;

const after = `
Models that a preset names are those of the systems it stands for, and some are gone: \`config:warning\` says so right after the start. Hugging
Face counts as free in \`free-first\`: what it gives for nothing; beyond that it answers 402, unless the account pays.

- **\`multi-backend\`** reads \`PRIMARY_BACKEND\` and \`SECONDARY_BACKEND\`.
- **\`free-first\`** goes by the ids in its order. The intent \`complex\` asks the remote GPU first. Paid clouds are asked only with
  \`ENABLE_PAID_API=true\` or where \`PROVIDER_ORDER\` names them. For an order without Ollama on this machine, set \`PROVIDER_ORDER\`.
- **\`hybrid\`** has the two Ollama servers on ports 11434 and 11435 of this machine, where no variable says otherwise.
- **\`tgi-registry\`** makes the name of each endpoint the name of its model.
- **\`switchable\`** reads \`INFERENCE_PROVIDER\` (\`openai\` where it is not set) and \`FALLBACK_CHAIN\`, without which nobody stands in. The model
  \`default\` is each provider's own, and the name of the first one's model stands for those of the others.
`;

/** docs/reference/environment.md */
export function environmentPage(): string {
  return [
    intro,
    '## Variables\n',
    table(
      ['Variable', 'Reads', 'Sets', 'Example'],
      rowsOf((name) => !isMetadata(name)),
    ),
    `\nThe name in \`${familyName}\` is in capitals; in lower case, with dashes, it is the provider's id (\`gpt2\` is \`gpt-2\`, and a name that other
providers have gets \`tgi-\` in front). A key marked with … is never shown anywhere.\n`,
    '## Variables of servers\n',
    'Nothing here acts upon these, `CUDA_MEMORY_FRACTION` included: they are shown as `metadata` of their providers. How many calls a server\ngets at once is `maxConcurrent`.\n',
    table(['Variable', 'Reads', 'Sets', 'Example'], rowsOf(isMetadata)),
    '\n## What is read\n',
    table(['Kind', 'Takes'], Object.entries(kinds)),
    '',
    rules,
    table(['Variable', 'Gives way to'], yields()),
    between,
    table(['Preset', 'What it is', 'Order', 'There without a variable', 'Options'], presetRows()),
    after,
  ]
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n');
}

const metadata = new Set(allRows.filter(([, { option }]) => option.startsWith('metadata.')).map(([name]) => name));

function isMetadata(name: string): boolean {
  return metadata.has(name);
}

function rowsOf(wanted: (name: string) => boolean): string[][] {
  const family = { reads: 'a URL', sets: 'a provider of type tgi: `providers.<name>.url`', example: 'http://gpu-server:8080' };
  return Object.entries({ ...envTable, [familyName]: family })
    .filter(([name]) => wanted(name))
    .map(([name, row]) => [`\`${name}\``, row.reads, `${row.sets}${'readBy' in row ? `, for ${row.readBy}` : ''}`, `\`${row.example}\``]);
}

function yields(): string[][] {
  const rankTwo = allRows
    .filter(([, { rank }]) => rank === 2)
    .map(([name, { of, option }]) => {
      const better = allRows.filter(([, other]) => other.rank === 1 && other.option === option && other.of[0] === of[0]);
      return [`\`${name}\``, better.map(([each]) => `\`${each}\``).join(', ')];
    });
  return [
    ['`OLLAMA_HOST`', 'every other variable that says where Ollama is: it tells the server where to listen'],
    ['`VLLM_MODEL_NAME`', '`LOCAL_MODEL_NAME`'],
    ['`ANTHROPIC_AUTH_TOKEN`', '`ANTHROPIC_API_KEY`'],
    ['`ENABLE_FALLBACK`, `AUTO_FAILOVER`', 'whichever of the two is false'],
    ...rankTwo,
  ];
}

function presetRows(): string[][] {
  return Object.entries(presets).map(([name, { about, order, assumed, ids, options, providers }]) => {
    const idOf = (target: keyof typeof envTargets): string => `\`${ids[target] ?? envTargets[target].id}\``;
    const own = Object.entries(providers).map(([target, each]) => `${idOf(target as keyof typeof envTargets)} ${code(each)}`);
    return [
      `\`${name}\``,
      about,
      order.map(idOf).join(', '),
      assumed.map(idOf).join(', '),
      [...(Object.keys(options).length > 0 ? [code(options)] : []), ...own].join('; '),
    ];
  });
}

function code(value: object): string {
  return `\`${JSON.stringify(value)
    .replaceAll(/"(\w+)":/g, '$1: ')
    .replaceAll(',', ', ')
    .replaceAll('"', "'")}\``;
}
