import { completerWire } from '../../examples/own-backend/completer-wire.ts';
import { blocksOf } from './code-blocks.ts';
import * as aiSdk from './given/ai-sdk.ts';
import * as everyPage from './given/every-page.ts';
import * as langchain from './given/langchain.ts';
import * as metricsAndLogs from './given/metrics-and-logs.ts';
import * as recordAndReplay from './given/record-and-replay.ts';
import * as resilience from './given/resilience.ts';
import type { PlayedServer } from './network.ts';
import { readPage } from './pages.ts';

// What the blocks of code of a page find around them.

/** Makes the value of its name. */
export type Given = (create: everyPage.Create) => unknown;

export interface Scene {
  /** What its blocks use without importing it, as one line of imports. What an earlier block of the page imports is known anyhow. */
  readonly imports?: string;
  /** What they use without making it, beside what every page may use: a module of `given/`, by its name and as it is. */
  readonly given?: readonly [file: string, Readonly<Record<string, Given>>];
  /** Servers that no block names in `{ type, url }`. */
  readonly servers?: readonly PlayedServer[];
  /** Variables, beside those that the page itself tells to set, and keys that a block reads by name. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files in the working directory, by their names. */
  readonly files?: () => Promise<Readonly<Record<string, string>>>;
  /** The folder of the repository that relative imports start from. */
  readonly folder?: string;
}

export const usual: readonly [file: string, Readonly<Record<string, Given>>] = ['every-page', everyPage];

export const scenes: Readonly<Record<string, Scene>> = {
  // A container serves one model, and tells which one.
  'docs/backends/nvidia.md': { servers: [{ type: 'nvidia', url: 'http://127.0.0.1:8000', models: ['meta/llama-3.1-8b-instruct'] }] },
  'docs/guides/add-a-backend.md': { folder: 'examples/own-backend', servers: [{ type: completerWire, url: 'http://box:9000' }] },
  'docs/guides/ai-sdk.md': {
    imports:
      "import { convertToModelMessages, streamText, ToolLoopAgent, type UIMessage } from 'ai'; import { aiSdkAdapter } from 'inferlane/ai-sdk';",
    given: ['ai-sdk', aiSdk],
    servers: [{ type: 'openai-compatible', url: 'http://vendor.test' }],
  },
  'docs/guides/configuration.md': {
    env: { OPENAI_API_KEY: 'key-of-the-docs' },
    files: async () => ({ 'inferlane.json': blockNamed('docs/guides/configuration.md', 'own') }),
  },
  'docs/guides/langchain.md': {
    imports: "import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';",
    given: ['langchain', langchain],
  },
  'docs/guides/metrics-and-logs.md': { given: ['metrics-and-logs', metricsAndLogs] },
  'docs/guides/record-and-replay.md': {
    given: ['record-and-replay', { options: recordAndReplay.options }],
    files: async () => ({ 'calls.jsonl': await recordAndReplay.record() }),
  },
  'docs/guides/resilience.md': { given: ['resilience', resilience] },
  'docs/guides/routing.md': { imports: "import { createRouter, loadPrices } from 'inferlane';" },
  'docs/guides/testing.md': { imports: "import { createTestRouter, fakeBackend, loading, reply, testClock } from 'inferlane/testing';" },
};

function blockNamed(page: string, name: string): string {
  const block = blocksOf(readPage(page)).find((each) => each.name === name);
  if (block === undefined) throw new Error(`${page} has no block ${name}.`);
  return block.code;
}
