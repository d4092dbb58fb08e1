import { readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { caseCounts } from '../tests/_kit/conformance.ts';
import { backendsPage } from './write-backends.ts';
import { conformancePage } from './write-conformance.ts';
import { environmentPage } from './write-environment.ts';
import { httpPage } from './write-http.ts';
import { requirementsPage } from './write-requirements.ts';
import { table } from './markdown-table.ts';
import { type BreakerEffect, type ErrorCode, errorCodes, type NextStep, type SideEffect } from '../src/core/error-codes.ts';
import type { Phase, RouterError, StoppedBecause } from '../src/core/errors.ts';

// Writes the pages of docs/reference, and the files that the guides show, from the sources: `node scripts/write-reference.ts`.

const next: Readonly<Record<NextStep, string>> = {
  stop: 'The error goes to the caller.',
  failover: 'The next candidate is tried.',
  larger: 'The next candidate is tried, unless its context window is known to be no larger.',
};

const breaker: Readonly<Record<BreakerEffect, string>> = {
  failure: 'A failure.',
  ratio: 'No failure in a row; counts among the last 20.',
  neutral: 'Nothing.',
  alive: 'That the provider answers.',
};

const effect: Readonly<Record<SideEffect, string>> = {
  none: '',
  cool: 'Rests for as long as it asks, else up to 1 s, doubling to 30 s.',
  rest: 'Rests for as long as it asks, else 5 min.',
  pin: 'The model is kept away from the provider: `pinMs`, doubling to 4 h.',
  missing: 'Not asked for the model for a minute.',
  disable: 'Taken out for 5 min.',
};

const phases: Readonly<Record<Phase, string>> = {
  connect: 'no answer was seen at all',
  'first-token': 'before the first content',
  throughput: 'too slow in its first content',
  idle: 'between two pieces',
  total: 'the limit of one attempt',
  deadline: 'the limit of the whole call',
};

const stops: Readonly<Record<StoppedBecause, string>> = {
  exhausted: 'no candidate was left',
  'max-attempts': '`maxAttempts` were used up',
  deadline: '`deadlineMs` ran out',
  'retry-budget': 'who was left gets first attempts only, having failed so often of late',
};

type Field = Exclude<keyof RouterError, 'name' | 'message' | 'stack' | 'toJSON'>;

const fields: Readonly<Record<Field, string>> = {
  code: 'One of the codes below. Branch on it, not on the message.',
  provider: "The provider's id.",
  model: "The provider's own name for the model.",
  phase: `Where it happened: ${named(phases)}.`,
  status: 'The HTTP status that the provider answered with. The status to answer with yourself is `httpStatusOf(error)`.',
  retryAfterMs: 'After how many milliseconds another call makes sense, where that is known.',
  reason: "The system's name of a connection fault (`ECONNREFUSED`), or the server's own error type.",
  attempts: 'What was tried: `provider`, `model` and `error` of each attempt. A list, empty where there is nothing to tell.',
  skipped: 'What was not tried: `provider`, `model`, `code` and a `reason` in words.',
  stoppedBecause: `Why nothing further was tried: ${named(stops)}.`,
  cause: 'The error of this library that led to this one. A foreign error is never kept: it could hold keys or prompts.',
};

const intro = `<!-- Written by scripts/write-reference.ts. -->

# Errors

Every failure is a \`RouterError\`, with two exceptions: when your \`AbortSignal\` aborts, its own reason is rethrown untouched,
never wrapped and never counted against a provider; and an error that is none of ours is a bug, which is neither wrapped nor
retried. Messages say what happened, where, and what to do. They hold no key, no prompt and no full URL, so errors are safe to log.

\`\`\`ts
import { isRouterError } from 'inferlane';

try {
  await router.chat(request, { signal });
} catch (error) {
  if (isRouterError(error, 'all_failed')) console.warn(error.attempts);
  else if (isRouterError(error)) console.warn(error.code, error.retryAfterMs);
  else throw error; // your own abort reason, or a bug
}
\`\`\`

\`isRouterError(value, code?)\` knows the errors of every copy of the package in the process; \`instanceof\` knows one copy's only.
\`AllFailedError\` is the \`RouterError\` of a call that every candidate failed (\`all_failed\`). \`ConfigError\` is the one of refused
configuration (\`invalid_config\`): \`issues\` holds every issue at once, each a \`path\` and a \`message\`.
`;

const columns = `"Next" is what the call does. "Breaker" is what the breaker of the provider learns: of that model, or, where no connection came
about, of the whole provider. "Again" says whether the same provider is tried again when no other candidate is left, after a pause, as
long as the attempts of the call and the provider's retry tokens last. "HTTP" is \`httpStatusOf(error)\`; for \`all_failed\` it is the status of the last attempt's code. The whole table is exported
as \`errorCodes\`.

A \`timeout\` whose \`phase\` is \`deadline\` ends the call: it is the call's own limit. The breaker learns of it only where the provider
had its full \`firstTokenMs\` and sent nothing; where the router or the intent sets a shorter deadline for every call, a third of that
deadline is enough. A model that is being loaded rests alone; every other rest concerns the whole provider.
`;

export function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, row]): string[] => [
    `\`${code satisfies string as ErrorCode}\``,
    row.when,
    next[row.next],
    breaker[row.breaker],
    effect[row.effect],
    row.retry ? 'yes' : '',
    String(row.status),
  ]);
  const fieldRows = Object.entries(fields).map(([field, meaning]) => [`\`${field}\``, meaning]);
  return [
    intro,
    '## Fields\n',
    table(['Field', 'Meaning'], fieldRows),
    '## Codes\n',
    columns,
    table(['Code', 'When', 'Next', 'Breaker', 'The provider', 'Again', 'HTTP'], rows),
  ].join('\n');
}

interface EventRow {
  readonly name: string;
  readonly meaning: string;
  readonly fields: readonly EventField[];
}

interface EventField {
  readonly name: string;
  readonly meaning: string;
}

/** `source`: the text of `core/events.ts`. Throws where an event has no comment. */
export function eventsPage(source: string): string {
  const events = eventsIn(source);
  const rows = events.map(({ name, fields: payload, meaning }) => [
    `\`${name}\``,
    payload.map((field) => `\`${field.name}\``).join(', '),
    meaning,
  ]);
  const meanings = new Map(
    events
      .flatMap(({ fields: payload }) => payload.map((field) => [field.name, field.meaning] as const))
      .filter(([, meaning]) => meaning !== ''),
  );
  return [
    eventsIntro,
    table(['Event', 'Payload', 'Meaning'], rows),
    '## Fields\n',
    'Those that a name does not explain.\n',
    table(
      ['Field', 'Meaning'],
      [...meanings].map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
  ].join('\n');
}

const eventsIntro = `<!-- Written by scripts/write-reference.ts. -->

# Events

\`router.on(name, listener)\`, \`router.once(name, listener)\` and \`router.off(name, listener)\`; names and payloads are typed. Events
report, they never steer: a listener that throws or rejects changes nothing. No payload holds a prompt, an answer, a key or a
full URL. Times are milliseconds.

Each \`request:start\` has exactly one \`request:end\` or \`request:error\`, and each \`attempt:start\` exactly one \`attempt:end\` or
\`attempt:error\`, streams that were left early included.
`;

function eventsIn(source: string): EventRow[] {
  const file = ts.createSourceFile('events.ts', source, ts.ScriptTarget.Latest, true);
  const interfaces = new Map(file.statements.filter(ts.isInterfaceDeclaration).map((node) => [node.name.text, node]));
  return membersOf(interfaces, 'RouterEvents').map((member): EventRow => {
    const name = nameOf(member, file);
    const meaning = commentOf(member);
    if (meaning === '') throw new Error(`core/events.ts: ${name} has no comment.`);
    if (!ts.isPropertySignature(member) || member.type === undefined) throw new Error(`core/events.ts: ${name} has no payload.`);
    return { name, meaning, fields: payloadOf(interfaces, member.type, file) };
  });
}

/** The fields of a payload: of an object type, of an interface of the file, or of several of them joined by \`&\`. */
function payloadOf(interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>, type: ts.TypeNode, file: ts.SourceFile): EventField[] {
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap((part) => payloadOf(interfaces, part, file));
  // Without what stands for the ids of the providers.
  const name = ts.isTypeReferenceNode(type) ? type.typeName.getText(file) : type.getText(file);
  const members = ts.isTypeLiteralNode(type) ? type.members : membersOf(interfaces, name);
  return [...members].map((member) => ({ name: nameOf(member, file), meaning: commentOf(member) }));
}

/** Inherited members first, as they are read. */
function membersOf(interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>, name: string): ts.TypeElement[] {
  const node = interfaces.get(name);
  if (node === undefined) throw new Error(`core/events.ts: there is no interface ${name}.`);
  const parents = (node.heritageClauses ?? []).flatMap(({ types }) => types.map(({ expression }) => expression.getText()));
  return [...parents.flatMap((parent) => membersOf(interfaces, parent)), ...node.members];
}

function nameOf(member: ts.TypeElement, file: ts.SourceFile): string {
  const { name } = member;
  if (name === undefined) throw new Error('core/events.ts: a member has no name.');
  return ts.isStringLiteral(name) ? name.text : name.getText(file);
}

function commentOf(node: ts.Node): string {
  const comments = ts.getJSDocCommentsAndTags(node).map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '');
  return comments.join(' ').replaceAll(/\s+/g, ' ').trim();
}

function named(meanings: Readonly<Record<string, string>>): string {
  return Object.entries(meanings)
    .map(([name, meaning]) => `\`${name}\` (${meaning})`)
    .join(', ');
}

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** A page whose blocks of code name a file (```ts examples/a.ts) hold what is in it. Throws where a file is missing. */
export function withFiles(page: string): string {
  return page.replaceAll(/^```ts (\S+)\n[\s\S]*?^```$/gm, (_, path: string) => `\`\`\`ts ${path}\n${read(path).trimEnd()}\n\`\`\``);
}

const guides = ['docs/guides/testing.md', 'docs/guides/add-a-backend.md'];

/** What each page should hold, by its path from the root of the package. */
export function referencePages(): Readonly<Record<string, string>> {
  return {
    'docs/reference/errors.md': errorsPage(),
    'docs/reference/events.md': eventsPage(read('src/core/events.ts')),
    'docs/reference/backends.md': backendsPage(),
    'docs/reference/environment.md': environmentPage(),
    'docs/reference/http.md': httpPage(),
    'docs/reference/requirements.md': requirementsPage(),
    ...Object.fromEntries(guides.map((path) => [path, withFiles(read(path))])),
  };
}

function write(path: string, text: string): void {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(referencePages())) write(path, text);
  // Which cases concern an adapter shows only when it is called.
  write('docs/reference/conformance.md', conformancePage(await caseCounts()));
}
