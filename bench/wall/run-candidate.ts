import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import manifest from '../../package.json' with { type: 'json' };
import type * as AiSdkOfInferlane from '../../src/ai-sdk/index.ts';
import type * as Inferlane from '../../src/index.ts';
import { aiFallback, aiFallbackTuned, aiRetryCall, aiRetryModel } from './ai-sdk.ts';
import { type Candidate, versionsOf } from './candidate.ts';
import { langChain, openAiAlone, openAiLoop } from './open-ai.ts';
import { oursInAiSdk } from './ours-ai-sdk.ts';
import { ours } from './ours.ts';
import { type CellResult, runWall } from './rig.ts';

// One candidate in a process of its own: node bench/wall/run-candidate.ts NAME PATIENCE_MS FILE

export interface CandidateRun {
  readonly name: string;
  readonly packages: readonly string[];
  readonly given: string;
  readonly cells: readonly CellResult[];
  /** Rejections that nobody could have caught: Node ends the process for one, where nothing listens as here. */
  readonly unhandled: readonly string[];
}

const candidates: Readonly<Record<string, () => Promise<Candidate>>> = {
  inferlane: async () => {
    // The built package, since that is what users run; the compiler need not find it.
    const built: string = '../../dist/index.js';
    const { createRouter } = (await import(built)) as typeof Inferlane;
    return ours(createRouter, [`inferlane ${manifest.version}`]);
  },
  'inferlane-ai-sdk': async () => {
    const [root, sdk]: readonly [string, string] = ['../../dist/index.js', '../../dist/ai-sdk.js'];
    const { createRouter } = (await import(root)) as typeof Inferlane;
    const { createInferlane } = (await import(sdk)) as typeof AiSdkOfInferlane;
    return oursInAiSdk({ createRouter, createInferlane }, [`inferlane ${manifest.version}`, ...versionsOf('ai')]);
  },
  'ai-fallback': aiFallback,
  'ai-fallback-tuned': aiFallbackTuned,
  'ai-retry-model': aiRetryModel,
  'ai-retry-call': aiRetryCall,
  langchain: langChain,
  'openai-loop': openAiLoop,
  'openai-alone': openAiAlone,
};

const [id = '', patienceMs = '12000', file = ''] = process.argv.slice(2);
const make = candidates[id];
if (make === undefined) throw new Error(`there is no candidate ${id}; there are ${Object.keys(candidates).join(', ')}`);

const unhandled: string[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error instanceof Error ? error.name : typeof error));
process.on('uncaughtException', (error) => unhandled.push(error.name));
let output = '';
for (const stream of [process.stdout, process.stderr]) {
  stream.write = ((text: string | Uint8Array) => {
    output += typeof text === 'string' ? text : Buffer.from(text).toString();
    return true;
  }) as typeof stream.write;
}

const candidate = await make();
const cells = await runWall(candidate, { patienceMs: Number(patienceMs), atOnce: 24, output: () => output });
// A rejection that comes late counts as well.
await sleep(500);
const { name, packages, given } = candidate;
await writeFile(file, JSON.stringify({ name, packages, given, cells, unhandled } satisfies CandidateRun));
// Some candidates leave timers or connections behind; that is another matter.
process.exit(0);
