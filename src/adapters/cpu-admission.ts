import { RouterError } from '../core/errors.ts';
import type { ModelFile } from './cpu-files.ts';
import type { ContextQuestion, Llama, LlamaLibrary } from './cpu-library.ts';
import type { FreeMemory } from './cpu-memory.ts';

export interface Applicant {
  readonly provider: string;
  readonly file: ModelFile;
  /** The context that the model is loaded for, from the longest that it was trained for. */
  readonly contextOf: (trained: number) => ContextQuestion;
  /** Whether a smaller context may be configured. */
  readonly isSizeChosen: boolean;
  readonly freeMemory: FreeMemory;
}

/**
 * Compares what a model needs with the memory that is free, by the library's own estimates, before anything of it is loaded: the
 * library itself maps the file whatever is free, and then the machine swaps, or the system ends the process. Returns the bytes that
 * are left for contexts; undefined where the memory is not known. Throws `out_of_memory`.
 */
export async function admit(
  { provider, file, contextOf, isSizeChosen, freeMemory }: Applicant,
  { library, llama }: { readonly library: LlamaLibrary; readonly llama: Llama },
  signal: AbortSignal,
): Promise<number | undefined> {
  const free = await freeMemory();
  if (free === undefined) return undefined;
  const info = await library.readGgufFileInfo(file.path, { sourceType: 'filesystem', logWarnings: false, signal });
  const insights = await library.GgufInsights.from(info as never, llama as never);
  const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers: 0 });
  const context = await insights.estimateContextResourceRequirementsV2({
    ...contextOf(insights.trainContextSize ?? Infinity),
    modelGpuLayers: 0,
    sequences: 1,
  });
  const needed = model.cpuRam + context.cpuRam;
  if (needed <= free) return free - model.cpuRam;
  const what = `the model "${file.id}" needs about ${amount(needed)} of memory, and ${amount(free)} are free`;
  const advice = isSizeChosen ? 'a smaller contextSize or a smaller quantisation' : 'a smaller quantisation';
  throw new RouterError('out_of_memory', `Provider "${provider}": ${what}; ${advice} of it helps.`, { provider, model: file.id });
}

function amount(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
