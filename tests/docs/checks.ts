import type { Ran } from './run-block.ts';
import { chatOverHttp, expressAnswers, loggerWrites, useChatAnswers } from './afterwards.ts';
import { logLine } from './shown-lines.ts';

// How the blocks of code of every page are checked. A block that nothing here speaks of is a failure, and so is a row without a block.

export type Check =
  /**
   * Compiled, and run against servers that are played; every router that it makes is asked. Of a `diff`, the lines that it adds. `afterwards`:
   * what else must be so. `onSockets`: the servers listen, because nothing else is seen by its transport.
   */
  | { readonly as: 'program'; readonly afterwards?: (ran: Ran) => Promise<void>; readonly onSockets?: true }
  /** Holds the file that its fence names, and that file is a test, or a test names or imports it. */
  | { readonly as: 'file' }
  /** Each command is one that there is, with files, scripts, options and variables that there are. `isRun`: and carried out. */
  | { readonly as: 'commands'; readonly isRun?: true }
  /** JSON. A configuration is read as one; `like`: something else, with the fields of this. */
  | { readonly as: 'json'; readonly like?: () => Promise<object> }
  /** Metrics and labels that there are. */
  | { readonly as: 'promql' }
  /** Texts by which servers say that their memory is full. */
  | { readonly as: 'memory' }
  /** Python for a notebook: its variables and its call are those of the server beside it. */
  | { readonly as: 'notebook' }
  /** The same as a block that another test holds. */
  | { readonly as: 'copy' }
  /** A test of another folder does it, and names the page. */
  | { readonly as: 'tested'; readonly by: string }
  /** Boxes and lines: the folders in it are those of the sources. */
  | { readonly as: 'drawing' }
  /** Nothing of it can be run here. */
  | { readonly as: 'foreign'; readonly reason: string };

/** Where no row says otherwise. */
export const byLanguage: Readonly<Record<string, Check>> = {
  ts: { as: 'program' },
  js: { as: 'program' },
  sh: { as: 'commands' },
  json: { as: 'json' },
  diff: { as: 'program' },
  promql: { as: 'promql' },
  text: { as: 'copy' },
};

/** A block with a certain text in it, or every block of a language, on a page or in a folder of pages. */
export type Row = Check & { readonly page: string } & ({ readonly holds: string } | { readonly language: string });

export const rows: readonly Row[] = [
  { page: 'docs/backends/', language: 'text', as: 'memory' },
  { page: 'docs/guides/ai-sdk.md', holds: 'new ToolLoopAgent', as: 'program', afterwards: useChatAnswers },
  { page: 'docs/guides/command-line.md', language: 'console', as: 'tested', by: 'tests/cli/guide.test.ts' },
  { page: 'docs/guides/configuration.md', holds: 'The configuration has 3 issues', as: 'tested', by: 'tests/config/file.test.ts' },
  { page: 'docs/guides/http.md', holds: 'createServer(toNodeListener(handler))', as: 'program', afterwards: chatOverHttp },
  { page: 'docs/guides/migrating/', language: 'python', as: 'foreign', reason: 'of the system that its readers come from' },
  { page: 'docs/guides/metrics-and-logs.md', holds: '"event": "request:end"', as: 'json', like: logLine },
  { page: 'docs/guides/metrics-and-logs.md', holds: 'winston.log', as: 'program', afterwards: loggerWrites },
  { page: 'docs/guides/record-and-replay.md', holds: '// Today: ', as: 'tested', by: 'tests/examples/simulate.test.ts' },
  { page: 'docs/guides/resilience.md', holds: "app.post('/chat'", as: 'program', afterwards: expressAnswers },
  { page: 'docs/guides/routing.md', language: 'text', as: 'tested', by: 'tests/routing/format-plan.test.ts' },
  { page: 'docs/guides/telemetry.md', holds: 'attempt gpu (out_of_memory)', as: 'tested', by: 'tests/examples/traces.test.ts' },
  { page: 'docs/guides/transports.md', holds: 'undiciTransport()', as: 'program', onSockets: true },
  { page: 'docs/internals/architecture.md', holds: 'router/   the engine', as: 'drawing' },
  { page: 'docs/start.md', language: 'console', as: 'tested', by: 'tests/pages/start-page.test.ts' },
  { page: 'examples/README.md', holds: 'npm run demo', as: 'commands' },
  { page: 'examples/README.md', holds: 'examples/tiny-model/main.ts', as: 'commands', isRun: true },
  { page: 'examples/deploy/README.md', holds: 'docker compose', as: 'commands' },
  { page: 'examples/deploy/README.md', holds: 'systemctl --user daemon-reload', as: 'commands' },
  { page: 'examples/deploy/README.md', holds: 'INFERLANE_PRESET=hybrid', as: 'tested', by: 'tests/examples/deploy.test.ts' },
  { page: 'examples/deploy/README.md', holds: '%pip install', as: 'notebook' },
  { page: 'examples/openai-sdk/README.md', holds: 'one-line.ts', as: 'commands' },
];
