import { RouterError } from '../core/errors.ts';
import { classifyBody } from '../lib/classify.ts';

export interface FailureContext {
  readonly provider: string;
  /** What the library was asked for. */
  readonly doing: 'load' | 'run';
  /** Its latest log lines: a failed allocation is told there, and the error says no more than "failed to load". */
  readonly log: readonly string[];
}

/** The library's and llama.cpp's own words for it, besides those that servers send too. */
const outOfMemory = /InsufficientMemory|not enough v?ram|unable to allocate|bad_alloc|too large for the available/i;

/** A classified error for what the library threw. Its texts stay out of the message: they name paths. */
export function libraryFailure(error: unknown, { provider, doing, log }: FailureContext): RouterError {
  if (error instanceof RouterError) return error;
  const reason = error instanceof Error ? error.constructor.name : undefined;
  const text = [reason, error instanceof Error ? error.message : '', ...log].join('\n');
  const details = { provider, reason };
  if (outOfMemory.test(text) || log.some(saysOutOfMemory)) {
    return new RouterError('out_of_memory', `Provider "${provider}": the model does not fit into memory; lower contextSize.`, details);
  }
  if (/NoBinaryFound/.test(text)) {
    const advice = 'node-llama-cpp has no binary for this machine: npx node-llama-cpp source download';
    return new RouterError('unsupported', `Provider "${provider}": ${advice}`, details);
  }
  return doing === 'load'
    ? new RouterError('unavailable', `Provider "${provider}" could not load its model.`, details)
    : new RouterError('driver', `Provider "${provider}": the inference failed.`, details);
}

function saysOutOfMemory(line: string): boolean {
  return classifyBody({ error: line }, undefined)?.code === 'out_of_memory';
}
