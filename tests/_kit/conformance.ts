import type { AdapterContext } from '../../src/adapters/context.ts';
import { adapters } from '../../src/adapters/registry.ts';
import * as inferlane from '../../src/index.ts';
import {
  type AdapterCase,
  adapterCases,
  type BackendKind,
  type Bench,
  type BenchOptions,
  createBench,
  skipReason,
} from '../../src/testing/index.ts';
import { remoteGpuWire } from '../../src/testing/wires/remote-gpu.ts';
import { adapterContext } from './adapter-context.ts';
import { routedAdapter } from './routed-adapter.ts';

/** One server, and the provider that speaks to it. */
export interface Run {
  readonly title: string;
  readonly type: Exclude<BackendKind, object>;
  readonly backend: BackendKind;
  readonly options: Partial<AdapterContext>;
}

/** Types that no backend can be faked for, each with the reason. */
export const withoutRun: Readonly<Record<string, string>> = {
  cpu: 'its model runs in this process: there is no wire between them; tests/adapters/cpu*.test.ts play the native library instead',
  stub: 'it speaks to nobody: there is no server to say or to fail anything; tests/adapters/stub.test.ts holds it to the contract',
};

const types = [
  'ollama',
  'vllm',
  'llamacpp',
  'tgi',
  'textgen',
  'sglang',
  'lmstudio',
  'nvidia',
  'tei',
  'openai',
  'anthropic',
  'huggingface',
  'together',
  'openai-compatible',
] as const;

/** Behind a `/generate` stands one of three servers; a provider is told which, or asks. */
const generating = (['notebook', 'proxy', 'tgi'] as const).flatMap((dialect) =>
  (['auto', dialect] as const).map((told): Run => ({
    title: `remote-gpu/${dialect}${told === 'auto' ? '/auto' : ''}`,
    type: 'remote-gpu',
    backend: remoteGpuWire(dialect),
    options: { dialect: told },
  })),
);

export const runs: readonly Run[] = [...types.map((type): Run => ({ title: type, type, backend: type, options: {} })), ...generating];

interface Exception {
  readonly runs: RegExp;
  /** Of the case. */
  readonly name: string;
  readonly reason: string;
  /** Through a router only. */
  readonly routed?: true;
}

/** Cases that do not hold for a provider although they concern it. */
const exceptions: readonly Exception[] = [
  {
    runs: /^remote-gpu\/notebook/,
    name: 'sends nothing of the parameters that it declares to ignore',
    reason:
      'fields beside the prompt are harmless to a notebook, so they go out in case this one reads them; the caller is told all the same',
  },
  {
    runs: /^remote-gpu\/.*\/auto$/,
    name: 'sends nothing of the parameters that it declares to ignore',
    reason: 'what it declares holds for all three servers, and is asked before it is known which one is there',
  },
  { runs: /^remote-gpu\/proxy/, name: 'sends stop', reason: 'the proxy has no stop sequences: the text is cut on this side' },
  {
    runs: /^(?:tgi|sglang|tei)$/,
    name: 'tells which models are loaded, and how much of each lies in GPU memory',
    reason: 'load() tells none; a router asks for the list of models beside it, and there they stand',
    routed: true,
  },
];

/** Why a case is not run, or undefined where it is. */
export function skipReasonOf(run: Run, each: AdapterCase, bench: Bench, way: Way = 'direct'): string | undefined {
  const found = exceptions.find(
    ({ runs: which, name, routed }) => which.test(run.title) && name === each.name && (!routed || way === 'routed'),
  );
  return found?.reason ?? skipReason(each, bench);
}

const model = 'conformance-model';

/** The adapter by itself over the real network layer. */
const direct: ReadonlyMap<Run, BenchOptions> = optionsOf(({ type, options }, url) => adapters[type](adapterContext(url, type, options)));

/** The adapter inside a router, which must not be seen. */
const routed: ReadonlyMap<Run, BenchOptions> = optionsOf(({ type, options }, url) => {
  const like = adapters[type](adapterContext(url, type, options));
  return routedAdapter({ inferlane, type, url, like, provider: options });
});

function optionsOf(create: (run: Run, url: string) => inferlane.Adapter): ReadonlyMap<Run, BenchOptions> {
  return new Map(runs.map((run) => [run, { backend: run.backend, model, adapter: (url: string) => create(run, url) }]));
}

export type Way = 'direct' | 'routed';

/** Each call gives a new bench; benches of one run share the options, and so what is known of the adapter. */
export function benchOf(run: Run, way: Way = 'direct'): Promise<Bench> {
  const options = (way === 'direct' ? direct : routed).get(run);
  if (options === undefined) throw new Error(`There is no run ${run.title}.`);
  return createBench(options);
}

export interface CaseCounts {
  readonly run: number;
  /** Name of the case → the reason. */
  readonly skipped: Readonly<Record<string, string>>;
}

/** How many cases concern each type, and why the others do not. */
export async function caseCounts(way: Way = 'direct'): Promise<Readonly<Record<string, CaseCounts>>> {
  const counts: Record<string, CaseCounts> = {};
  for (const run of runs) {
    await using bench = await benchOf(run, way);
    const skipped: Record<string, string> = {};
    for (const each of adapterCases) {
      const reason = skipReasonOf(run, each, bench, way);
      if (reason !== undefined) skipped[each.name] = reason;
    }
    counts[run.title] = { run: adapterCases.length - Object.keys(skipped).length, skipped };
  }
  return counts;
}

/** The cases that concern a run. */
export function concerning(counts: Readonly<Record<string, CaseCounts>>, { title }: Run): readonly AdapterCase[] {
  return adapterCases.filter(({ name }) => counts[title]?.skipped[name] === undefined);
}
