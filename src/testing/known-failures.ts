import { RouterError } from '../index.ts';
import type { Failure, FailureKind, Memory } from './script.ts';
import type { Wire, WireCall } from './wire.ts';

export const memories: readonly Memory[] = ['cuda', 'vulkan', 'rocm', 'host'];

/** How a script asks for each failure that a server may have no words for. The others are known to all. */
const stepNames: Readonly<Record<Exclude<FailureKind, 'out-of-memory' | 'status' | 'empty' | 'html'>, string>> = {
  driver: 'driverFault()',
  'queue-full': 'queueFull()',
  loading: 'loading()',
  'rate-limit': 'rateLimited()',
  quota: 'quotaExhausted()',
  auth: 'unauthorized()',
  'model-missing': 'modelMissing()',
  'context-length': 'contextLength()',
  'bad-request': 'badRequest()',
  server: 'serverError()',
};

/** What to tell the author of a script, with what the server has words for in these calls. */
export function unknownFailure(failure: Failure, wire: Wire, calls: readonly WireCall[], verb?: string): RouterError {
  const { kind, memory } = failure;
  const what = memory === undefined ? `'${kind}'` : `'${kind}' (${memory})`;
  const where = verb === undefined ? '' : ` in an answer to ${verb}`;
  const known = [...knownSteps(wire, calls), 'status()', 'empty()', 'html()'].join(', ');
  return new RouterError(
    'invalid_config',
    `Fake backend '${wire.name}': this server knows no failure ${what}${where}. Script another one: ${known}.`,
  );
}

function knownSteps(wire: Wire, calls: readonly WireCall[]): readonly string[] {
  const knows = (failure: Failure): boolean => calls.some((call) => wire.fail(failure, call) !== undefined);
  const full = memories.filter((memory) => knows({ kind: 'out-of-memory', memory }));
  const others = Object.entries(stepNames).filter(([kind]) => knows({ kind: kind as keyof typeof stepNames }));
  return [...full.map((memory) => `outOfMemory('${memory}')`), ...others.map(([, step]) => step)];
}
