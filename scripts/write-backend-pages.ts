import { readFileSync, writeFileSync } from 'node:fs';
import type { Adapter } from '../src/core/adapter.ts';
import type { Feature } from '../src/core/capabilities.ts';
import { defaultModels } from '../src/core/default-models.ts';
import { type ProviderType, type ProviderTypeRow, providerTypes } from '../src/core/provider-types.ts';
import { defaults } from '../src/config/defaults.ts';
import { allRows } from '../src/config/env-settings.ts';
import { envTable, familyName } from '../src/config/env-table.ts';
import { type EnvTarget, envTargets } from '../src/config/env-targets.ts';
import { unwrapText } from '../src/lib/error-body.ts';
import { memories } from '../src/testing/known-failures.ts';
import type { WireCall } from '../src/testing/wire.ts';
import { wireOf } from '../src/testing/wires/index.ts';
import { errorLiterals } from '../tests/lib/error-literals.ts';
import { servers, type SpecName } from '../tests/specs/traffic.ts';
import { table } from './markdown-table.ts';
import { type Example, examplesOf, features, has, modelNames, verbs } from './write-backends.ts';

// Writes the facts of docs/backends/<type>.md, between two marks: `node scripts/write-backend-pages.ts`. What stands around them is written
// by hand.

const opening = '<!-- written by scripts/write-backend-pages.ts -->';
const closing = '<!-- until here -->';

export const backendTypes = Object.keys(providerTypes) as ProviderType[];

export function backendPageAt(type: ProviderType): URL {
  return new URL(`../docs/backends/${type}.md`, import.meta.url);
}

/** The page with its facts as they are now. Throws where the marks are not there once. */
export function withFacts(page: string, type: ProviderType): string {
  const [before, facts, after, ...more] = page.split(new RegExp(`${opening}|${closing}`));
  if (before === undefined || facts === undefined || after === undefined || more.length > 0) {
    throw new Error(`docs/backends/${type}.md: there must be one "${opening}", and one "${closing}" after it.`);
  }
  return `${before}${opening}\n\n${factsOf(type)}\n${closing}${after}`;
}

function factsOf(type: ProviderType): string {
  const { made } = examplesOf(type);
  const parts = [
    table(['What', ''], [...settingRows(type, providerTypes[type]), ...made.flatMap((example) => abilityRows(example, made.length > 1))]),
    variables(type),
    memory(type),
    tests(type),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function settingRows(type: ProviderType, row: ProviderTypeRow): string[][] {
  const { connectMs, firstTokenMs, idleMs } = defaults.timeouts;
  const perModel = row.slotsPer === 'model' ? ' for each model' : '';
  const usual = row.slots === undefined ? 'no limit' : `${row.slots}${perModel}`;
  const models = defaultModels.filter((each) => each.type === type).map(({ verb, model, asOf }) => `\`${model}\` for ${verb} (${asOf})`);
  const overNetwork = [
    ['Address', row.defaultUrl === undefined ? 'must be given' : `\`${row.defaultUrl}\``],
    [
      'Time limits',
      `the router's: ${connectMs / 1_000} s to connect, ${firstTokenMs / 1_000} s to the first token, ${idleMs / 1_000} s of silence`,
    ],
  ];
  return [
    ['`type`', `\`'${type}'\``],
    ...(row.runs === 'network' ? overNetwork : [['Address', 'none: it runs in this process']]),
    ['Device, cost', `\`${row.device}\`, \`${row.cost}\`${row.priority === 0 ? '' : `, with the priority ${row.priority}`}`],
    ['Calls at once', `\`maxConcurrent\`; left out: ${row.runs === 'process' ? usual : `what the server tells, else ${usual}`}`],
    ['Default model', models.length > 0 ? models.join(', ') : 'none'],
    ...(row.keyVariable === undefined ? [] : [['Key', `needed at that address, as \`${headerOf(row)}\``]]),
  ];
}

function headerOf({ keyHeader }: ProviderTypeRow): string {
  return keyHeader === 'authorization' ? 'authorization: Bearer …' : `${keyHeader}: …`;
}

/** What an adapter declares; where there are several, each with what makes it. */
function abilityRows({ label, adapter }: Example, isOneOfMany: boolean): string[][] {
  const name = (what: string): string => (isOneOfMany ? `${what}${label}` : what);
  const can = (Object.keys(features) as Feature[]).filter((feature) => adapter.capabilities[feature]).map((feature) => features[feature]);
  const { chats } = adapter;
  const left = adapter.ignores.map((parameter) => `\`${parameter}\``).join(', ');
  return [
    [
      name('Verbs'),
      verbs
        .filter((verb) => has(adapter, verb))
        .join(', ')
        .replace('chat', 'chat, stream'),
    ],
    ...(chats || adapter.capabilities.dimensions ? [[name('Features'), can.length > 0 ? can.join(', ') : 'none']] : []),
    ...(left === '' || !chats ? [] : [[name('Leaves out'), left]]),
    [name('Model'), modelSentence(adapter)],
  ];
}

function modelSentence({ modelName }: Adapter): string {
  return (
    { required: 'its name is needed', optional: 'its own, where a call names none', ignored: 'always its own' }[modelName] ??
    modelNames[modelName]
  );
}

/** The one of Ollama and the family of TGI stand for no single row. */
const byHand: Readonly<Partial<Record<ProviderType, readonly string[]>>> = {
  ollama: [
    'OLLAMA_BASE_URL',
    'OLLAMA_GPU_URL',
    'OLLAMA_CPU_URL',
    'OLLAMA_HOST',
    'OLLAMA_API_KEY',
    'OLLAMA_NUM_PARALLEL',
    'OLLAMA_KEEP_ALIVE',
  ],
};

function variables(type: ProviderType): string {
  const targets = (Object.keys(envTargets) as EnvTarget[]).filter((target) => envTargets[target].type === type);
  const named = (byHand[type] ?? []).map((name) => [`\`${name}\``, envTable[name]?.sets ?? '']);
  const own = allRows
    .filter(([, { of, option }]) => of.some((target) => targets.includes(target)) && !option.startsWith('metadata.'))
    .map(([name, { sets, of }]) => [
      `\`${name}\``,
      of.length > 1 ? `${sets.split('.').slice(2).join('.').split(',')[0]}, of each local server` : sets,
    ]);
  const family = type === 'tgi' ? [[`\`${familyName}\``, 'a provider of this type: `providers.<name>.url`']] : [];
  const rows = [...named, ...own, ...family];
  if (type === 'stub') return '';
  if (rows.length === 0) return 'No variable describes it; write it in code or in a file.\n';
  return table(['Variable', 'Sets'], rows);
}

/** Keys of the table of literal errors. */
const literalNames: Readonly<Partial<Record<ProviderType, string>>> = { 'remote-gpu': 'remoteGpu' };

const silentKinds: Readonly<Partial<Record<ProviderType, string>>> = {
  vllm: 'Mostly vLLM says nothing of it to its callers: its engine dies, the call fails as `unavailable`, and then the port refuses.',
  nvidia: 'The vLLM in the container mostly says nothing of it to its callers: its engine dies, and the call fails as `unavailable`.',
  sglang: 'Mostly the process dies of it, and says so in its log alone: the connection breaks, which is `unavailable`.',
  'remote-gpu': 'A notebook says `Internal Server Error` of everything, which is `unavailable`. TGI has [its own words](tgi.md).',
  textgen: 'While it answers, whatever breaks is a bare `Internal Server Error`, which is `unavailable`.',
};

/** The fakes' texts first: they are the usual ones of today's servers. */
function memory(type: ProviderType): string {
  const literals = errorLiterals[literalNames[type] ?? type] ?? [];
  const found = literals.filter(({ expected }) => expected === 'out_of_memory').map(({ body }) => textIn(body));
  const texts = [...new Set([...playedTexts(type), ...found].map(shortened))];
  const silence = silentKinds[type];
  const parts = [
    ...(silence === undefined ? [] : [`${silence}\n`]),
    ...(texts.length === 0 ? [] : [`${said(texts.length)}\n\n\`\`\`text\n${texts.slice(0, mostTexts).join('\n')}\n\`\`\`\n`]),
  ];
  return parts.length === 0 ? '' : `### Out of memory\n\n${parts.join('\n')}`;
}

const mostTexts = 4;

function said(count: number): string {
  const more = count > mostTexts ? ` (${mostTexts} of ${count} that are tested)` : '';
  return `Its words for it${more}, beside those of CUDA, ROCm, Vulkan and PyTorch, which are known whoever sends them. ⏎ is the end of a line:`;
}

const chatCall: WireCall = { verb: 'chat', method: 'POST', path: '/', headers: {}, body: {}, model: 'x' };

function playedTexts(type: ProviderType): string[] {
  if (type === 'cpu' || type === 'stub') return [];
  const exchanges = memories.flatMap((kind) => wireOf(type).fail({ kind: 'out-of-memory', memory: kind }, chatCall) ?? []);
  return exchanges.map(({ opening, pieces, closing }) => textIn(`${opening}${pieces.join('')}${closing}`));
}

function textIn(body: unknown): string {
  return unwrapText(typeof body === 'string' ? body : JSON.stringify(body)).message;
}

const mostCharacters = 240;

function shortened(text: string): string {
  const line = text.replaceAll('\n', ' ⏎ ');
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 2)} …` : line;
}

const specTitles: Readonly<Record<SpecName, string>> = { openai: 'OpenAI', ollama: 'Ollama', tgi: 'TGI', tei: 'TEI', together: 'Together' };

const recorded: Readonly<Partial<Record<ProviderType, string>>> = {
  llamacpp: 'exchanges recorded from servers of 2025 and 2026',
  textgen: 'exchanges recorded from a server',
};

function tests(type: ProviderType): string {
  const page = readFileSync(new URL('../docs/reference/conformance.md', import.meta.url), 'utf8');
  const rows = Array.from(page.matchAll(/^\| `([^`]+)`\s+\| (\d+)\s+\| \d+\s+\|$/gm), ([, title = '', run = '']) => ({ title, run }));
  const runs = rows.filter(({ title }) => title === type || title.startsWith(`${type}/`));
  const specs = [...new Set(servers.filter((server) => server.type === type).map(({ spec }) => specTitles[spec]))];
  const counted = runs.map(({ title, run }) => `${run}${title === type ? '' : ` as \`${title}\``}`).join(', ');
  const facts = [
    ...(runs.length > 0 ? [`cases of the [conformance suite](../reference/conformance.md): ${counted}`] : []),
    ...specs.map((spec) => `what is sent and read, against the OpenAPI document of ${spec}`),
    ...(recorded[type] === undefined ? [] : [recorded[type]]),
  ];
  return facts.length === 0 ? '' : `**Tested:** ${facts.join('; ')}.\n`;
}

if (import.meta.main) {
  for (const type of backendTypes) {
    const page = backendPageAt(type);
    writeFileSync(page, withFacts(readFileSync(page, 'utf8'), type));
  }
}
