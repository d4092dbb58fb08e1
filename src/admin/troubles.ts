import { counted, listed, percent } from './figures.ts';
import { type MarkKind, modelName, type ShownProvider } from './shown-providers.ts';

// What is wrong, the worst first, in plain words. Pure.

export interface Trouble {
  readonly provider: string;
  readonly mark: Extract<MarkKind, 'bad' | 'watch'>;
  /** Goes on behind the name of the provider, without a full stop. */
  readonly sentence: string;
  readonly untilMs: number | undefined;
}

export function troublesOf(providers: readonly ShownProvider[]): readonly Trouble[] {
  const all = providers.flatMap((shown) => [...standing(shown), ...memory(shown), ...queue(shown)]);
  return [...all.filter(({ mark }) => mark === 'bad'), ...all.filter(({ mark }) => mark === 'watch')];
}

function standing({ provider, health, circuit, restsUntilMs, disabledUntilMs }: ShownProvider): readonly Trouble[] {
  if (health === undefined) return [];
  const { status, error, consecutiveFailures, lastError } = health;
  const of = (mark: Trouble['mark'], sentence: string, untilMs?: number): Trouble => ({ provider, mark, sentence, untilMs });
  const failures = consecutiveFailures > 1 ? ` after ${counted(consecutiveFailures, 'error')} in a row` : '';
  const last = lastError === undefined ? '' : `, the last one ${lastError.code}`;
  const found: Trouble[] = [];
  if (status === 'down') found.push(of('bad', `does not answer${error === undefined ? '' : `: ${error.message}`}`));
  if (status === 'misconfigured') found.push(of('bad', 'refuses its credentials; it needs a new key', disabledUntilMs));
  if (status === 'limited') found.push(of('bad', `asked for a pause${last}`, restsUntilMs));
  if (status === 'warming') found.push(of('watch', 'loads its model', restsUntilMs));
  if (circuit.is === 'open') {
    const model = circuit.model === undefined || circuit.model === '' ? '' : ` with ${circuit.model}`;
    found.push(of('bad', `is left alone${model}: circuit open${failures}${last}`, circuit.untilMs));
  }
  if (circuit.is === 'due') found.push(of('watch', `is tried out by the next call: circuit open${failures}${last}`));
  if (circuit.is === 'half-open') found.push(of('watch', 'is being tried out: circuit half-open'));
  return found;
}

function memory({ provider, health, snapshot }: ShownProvider): readonly Trouble[] {
  const pins = (health?.pins ?? []).map(({ model, untilMs }): Trouble => ({
    provider,
    mark: 'bad',
    sentence: `ran out of memory with ${modelName(model)}, others are preferred`,
    untilMs,
  }));
  const models = snapshot?.models ?? [];
  const spilled = models.flatMap(({ model, vramShare }): readonly Trouble[] =>
    vramShare === undefined
      ? []
      : [
          {
            provider,
            mark: 'watch',
            sentence: `holds only ${percent(vramShare)} of ${modelName(model)} in GPU memory, so it is slow`,
            untilMs: undefined,
          },
        ],
  );
  const missing = models.flatMap(({ model, missingUntilMs }) => (missingUntilMs === undefined ? [] : [model]));
  const gone: readonly Trouble[] =
    missing.length === 0 ? [] : [{ provider, mark: 'watch', sentence: `does not serve ${listed(missing)}`, untilMs: undefined }];
  return [...pins, ...spilled, ...gone];
}

function queue({ provider, health }: ShownProvider): readonly Trouble[] {
  if (health === undefined || (health.waiting === 0 && health.status !== 'saturated')) return [];
  const { waiting, inFlight, slots } = health;
  const busy = slots === undefined ? counted(inFlight, 'call') + ' in flight' : `${inFlight} of ${counted(slots, 'slot')} taken`;
  return [{ provider, mark: 'watch', sentence: `has no room: ${busy}, ${counted(waiting, 'call')} waiting`, untilMs: undefined }];
}

export interface Verdict {
  readonly mark: MarkKind;
  readonly sentence: string;
}

/** The whole at a glance. */
export function verdictOf(providers: readonly ShownProvider[], status: 'ok' | 'degraded' | 'down', isClosed: boolean): Verdict {
  const on = providers.filter(({ health }) => health !== undefined);
  const serving = on.filter(({ health }) => serves(health?.status)).length;
  if (isClosed) return { mark: 'bad', sentence: 'The router is closed' };
  if (on.length === 0) return { mark: 'bad', sentence: 'No provider is switched on' };
  if (status === 'down') return { mark: 'bad', sentence: 'No provider serves calls' };
  const unknown = on.filter(({ mark }) => mark === 'unknown').length;
  const untold = unknown === 0 ? '' : `, ${counted(unknown, 'is', 'are')} not known yet`;
  if (serving === on.length) {
    return { mark: 'ok', sentence: on.length === 1 ? 'The only provider serves calls' : `All ${on.length} providers serve calls` };
  }
  return {
    mark: 'watch',
    sentence: `${serving} of ${counted(on.length, 'provider')} ${serving === 1 ? 'serves' : 'serve'} calls${untold}`,
  };
}

function serves(status: string | undefined): boolean {
  return status === 'ok' || status === 'warming' || status === 'saturated';
}
