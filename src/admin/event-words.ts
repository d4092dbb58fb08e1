import type { AdminEvent } from '../http/admin-contract.ts';
import { duration, listed, percent } from './figures.ts';
import { errorIn, isTrueIn, numberIn, textIn, textsIn } from './payload.ts';

/** How an event is shown: what went wrong, what is worth a look, what went well, and what is just told. */
export type Tone = 'bad' | 'watch' | 'good' | 'plain';

/** What an event is about: `calls` come and go by the hundred, `decisions` are rare. */
type Subject = 'calls' | 'decisions';

export interface EventWords {
  readonly tone: Tone;
  readonly subject: Subject;
  /** One sentence without its full stop. */
  readonly sentence: string;
  /** A time to say behind it, on the router's clock. */
  readonly untilMs?: number | undefined;
}

type Telling = (event: AdminEvent) => EventWords;

const at = (event: AdminEvent): string => named(textIn(event, 'provider') ?? 'a provider', textIn(event, 'model'));

export function named(provider: string, model: string | undefined): string {
  return model === undefined ? provider : `${provider} (${model})`;
}

const took = (event: AdminEvent): string => duration(numberIn(event, 'ms') ?? 0);

function because(event: AdminEvent): string {
  const reason = textIn(event, 'reason');
  return reason === undefined ? '' : `: ${reason}`;
}

function failure(event: AdminEvent): string {
  const error = errorIn(event);
  return error === undefined ? '' : `: ${error.code}${error.message === '' ? '' : `, ${error.message}`}`;
}

function decision(tone: Tone, sentence: (event: AdminEvent) => string): Telling {
  return (event) => ({ tone, subject: 'decisions', sentence: sentence(event), untilMs: numberIn(event, 'untilMs') });
}

function call(sentence: (event: AdminEvent) => string, tone: (event: AdminEvent) => Tone = () => 'plain'): Telling {
  return (event) => ({ tone: tone(event), subject: 'calls', sentence: sentence(event) });
}

const unlessLeft = (event: AdminEvent): Tone => (isTrueIn(event, 'aborted') ? 'plain' : 'bad');

const tellings: Readonly<Record<string, Telling>> = {
  'request:start': call((event) => {
    const model = textIn(event, 'model');
    return `A ${textIn(event, 'verb') ?? 'call'} begins${model === undefined ? '' : ` for ${model}`}, intent ${textIn(event, 'intent') ?? '-'}`;
  }),
  'request:end': call(
    (event) => `${at(event)} ${isTrueIn(event, 'abandoned') ? 'was left by its caller' : 'answered'} after ${took(event)}`,
  ),
  'request:error': call(
    (event) => (isTrueIn(event, 'aborted') ? `A caller left after ${took(event)}` : `A call failed after ${took(event)}${failure(event)}`),
    unlessLeft,
  ),
  'queue:enter': call((event) => `A call waits for a slot at ${listed(textsIn(event, 'providers'))}`),
  'queue:leave': call((event) => {
    const provider = textIn(event, 'provider');
    return provider === undefined ? `A call gave up waiting after ${took(event)}` : `A call got a slot at ${provider} after ${took(event)}`;
  }),
  'attempt:start': call((event) => `${at(event)} is asked, attempt ${numberIn(event, 'attempt') ?? 1}`),
  'attempt:end': call((event) => `${at(event)} gave its answer in ${took(event)}`),
  'attempt:error': call(
    (event) =>
      isTrueIn(event, 'aborted') ? `The call to ${at(event)} was stopped` : `${at(event)} failed after ${took(event)}${failure(event)}`,
    unlessLeft,
  ),
  failover: decision(
    'watch',
    (event) => `A call moves from ${textIn(event, 'from') ?? '?'} to ${textIn(event, 'to') ?? '?'}${because(event)}`,
  ),
  retry: decision('watch', (event) => `${at(event)} is tried again after ${duration(numberIn(event, 'delayMs') ?? 0)}${because(event)}`),
  hedge: decision('watch', (event) => `${textIn(event, 'from') ?? '?'} is slow, so ${at(event)} is asked as well`),
  'breaker:open': decision('bad', (event) => `Circuit open: nothing is sent to ${at(event)}${because(event)}`),
  'breaker:half-open': decision('watch', (event) => `Circuit half-open: one call tries out ${at(event)}`),
  'breaker:close': decision('good', (event) => `Circuit closed: ${at(event)} has recovered`),
  'provider:up': decision('good', (event) => `${at(event)} answers again`),
  'provider:down': decision('bad', (event) => `${at(event)} is down${because(event)}`),
  'provider:cooldown': decision('watch', (event) => `${at(event)} rests${because(event)}`),
  'model:pinned': decision('bad', (event) => `${at(event)} ran out of memory, other providers are preferred${because(event)}`),
  'model:unpinned': decision('good', (event) => `${at(event)} is no longer pinned`),
  'model:spilled': decision(
    'watch',
    (event) => `Only ${percent(numberIn(event, 'vramShare') ?? 0)} of the model is in GPU memory at ${at(event)}, which makes it slow`,
  ),
  'model:truncated': decision('watch', (event) => `${at(event)} has probably dropped a part of a prompt`),
  'model:missing': decision('watch', (event) => `${at(event)} is not served there`),
  'stream:interrupted': decision('bad', (event) => `A stream of ${at(event)} broke off${failure(event)}`),
  'stream:reset': decision(
    'watch',
    (event) => `A broken stream of ${textIn(event, 'from') ?? '?'} begins anew at ${at(event)}${because(event)}`,
  ),
  'stream:resumed': decision(
    'watch',
    (event) => `A broken stream of ${textIn(event, 'from') ?? '?'} goes on at ${at(event)}${because(event)}`,
  ),
  'budget:warning': decision('watch', (event) => `Nearly used up: ${budget(event)}`),
  'budget:exceeded': decision('bad', (event) => `Used up, so nothing is paid from it: ${budget(event)}`),
  'state:degraded': decision('bad', (event) => `The shared store does not answer, and each process decides by itself${because(event)}`),
  'state:restored': decision('good', (event) => `The shared store answers again after ${took(event)}`),
  'config:update': decision('good', (event) => `New settings${changes(event)}`),
  'config:warning': decision('watch', (event) => `Settings: ${textIn(event, 'path') ?? ''} ${textIn(event, 'message') ?? ''}`),
  'listener:error': decision('watch', (event) => `A listener of ${textIn(event, 'event') ?? 'an event'} failed${failure(event)}`),
};

function budget(event: AdminEvent): string {
  const of = textIn(event, 'provider') ?? textIn(event, 'caller') ?? 'all providers';
  const [spent, limit] = [numberIn(event, 'spentUsd') ?? 0, numberIn(event, 'limitUsd') ?? 0];
  return `$${spent.toFixed(2)} of $${limit.toFixed(2)} for ${of} in the ${textIn(event, 'per') ?? 'time'}`;
}

function changes(event: AdminEvent): string {
  const parts = (['added', 'removed', 'changed'] as const).flatMap((name) => {
    const ids = textsIn(event, name);
    return ids.length === 0 ? [] : [`${name} ${listed(ids)}`];
  });
  return parts.length === 0 ? '' : `: ${parts.join('; ')}`;
}

/** Events of a newer server are shown by their name. */
export function wordsFor(event: AdminEvent): EventWords {
  const telling = Object.hasOwn(tellings, event.name) ? tellings[event.name] : undefined;
  return telling?.(event) ?? { tone: 'plain', subject: 'decisions', sentence: event.name };
}
