import { RouterError } from '../index.ts';
import type { Matcher, Script } from './backend.ts';
import { memories, unknownFailure } from './known-failures.ts';
import { failuresOf } from './play.ts';
import { scriptParts } from './script-player.ts';
import type { Faults, Step } from './script.ts';
import type { Wire, WireCall } from './wire.ts';

/**
 * What is wrong with a script would otherwise show as a test that fails, or hangs, for a strange reason.
 * @throws {RouterError} `invalid_config` for what is no script, and for a failure that the server does not know.
 */
export function checkScript(script: Script, wire: Wire): void {
  checkShape(script, wire.name);
  for (const { when: matcher, steps } of scriptParts(script)) {
    const calls = sampleCalls(matcher);
    for (const failure of steps.flatMap((step) => failuresOf(step, wire))) {
      if (calls.every((call) => wire.fail(failure, call) === undefined)) throw unknownFailure(failure, wire, calls, matcher?.verb);
    }
  }
}

/** One call of each kind that the matcher lets through. */
function sampleCalls(matcher: Matcher | undefined): readonly WireCall[] {
  const verbs = matcher?.verb === undefined ? (['chat', 'stream', 'embed'] as const) : [matcher.verb];
  const model = matcher?.model ?? 'model';
  return verbs.map((verb) => {
    const asked = verb === 'embed' ? { input: ['text'] } : { messages: [{ role: 'user', content: 'text' }], stream: verb === 'stream' };
    return { verb, method: 'POST', path: '/', headers: {}, body: { model, ...asked }, model };
  });
}

/** The types say all of this already; scripts of JavaScript have none. */
function checkShape(script: unknown, name: string): void {
  const items: readonly unknown[] = Array.isArray(script) ? script : [script];
  for (const item of items) {
    const problem = problemOfItem(item);
    if (problem !== undefined) throw new RouterError('invalid_config', `Fake backend '${name}': ${problem}`);
  }
}

function problemOfItem(item: unknown): string | undefined {
  if (!isObject(item)) return noStep(item);
  if ('models' in item || 'resident' in item) return undefined;
  if (!('when' in item)) return problemOfStep(item);
  const { when, steps } = item;
  const verb = isObject(when) ? when['verb'] : undefined;
  if (verb !== undefined && !['chat', 'stream', 'embed'].includes(String(verb))) {
    return `when() tells calls apart by the verbs 'chat', 'stream' and 'embed', and not by '${String(verb)}'.`;
  }
  return Array.isArray(steps) ? steps.map(problemOfStep).find((problem) => problem !== undefined) : noStep(steps);
}

function problemOfStep(step: unknown): string | undefined {
  if (!isObject(step) || !isObject(step['answer']) || !isObject(step['faults'])) return noStep(step);
  const { failure, faults } = step as unknown as Step;
  const status = failure?.status;
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599))
    return `${shown(status)} is no status of an answer.`;
  const memory = failure?.memory;
  if (memory !== undefined && !memories.includes(memory)) return `outOfMemory() takes ${memories.join(', ')}, and not ${shown(memory)}.`;
  const wrong = checks.find(([part, isRight]) => faults[part] !== undefined && !isRight(faults));
  return wrong && `${wrong[0]} of a step takes ${wrong[2]}, and not ${shown(faults[wrong[0]])}.`;
}

const isCount = (value: number | undefined): boolean => Number.isInteger(value) && Number(value) >= 0;
const isTime = (value: number | undefined): boolean => Number.isFinite(value) && Number(value) >= 0;

const count = 'a whole number of pieces from 0 on';
const time = 'milliseconds from 0 on';

const checks: readonly (readonly [part: keyof Faults, isRight: (faults: Faults) => boolean, takes: string])[] = [
  ['stallAfter', ({ stallAfter }) => isCount(stallAfter), count],
  ['garbageAt', ({ garbageAt }) => isCount(garbageAt), count],
  ['errorAt', ({ errorAt }) => isCount(errorAt), count],
  [
    'cutAfter',
    ({ cutAfter }) => isCount(cutAfter?.pieces) && ['fin', 'rst'].includes(String(cutAfter?.how)),
    `${count}, and 'fin' or 'rst'`,
  ],
  ['delayMs', ({ delayMs }) => isTime(delayMs), time],
  ['loadingMs', ({ loadingMs }) => isTime(loadingMs), time],
  ['tokensPerSecond', ({ tokensPerSecond }) => Number(tokensPerSecond) > 0, 'a number above 0'],
  ['writes', ({ writes }) => ['pieces', 'bytes', 'one'].includes(String(writes)), "'pieces', 'bytes' or 'one'"],
];

function noStep(value: unknown): string {
  return `a script is one step or a list of them, made by reply('Hello') and its kind; ${kindOf(value)} is none.`;
}

function kindOf(value: unknown): string {
  if (typeof value === 'function') return 'a function (it has to be called)';
  if (Array.isArray(value)) return 'a list in the place of one';
  return isObject(value) ? 'an object without answer and faults' : shown(value);
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'undefined');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
