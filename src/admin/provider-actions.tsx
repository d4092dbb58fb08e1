import type { JSX } from 'preact';
import type { AdminTestedProvider } from '../http/admin-contract.ts';
import { counted, duration } from './figures.ts';
import { Outcome } from './outcome.tsx';
import type { ShownProvider } from './shown-providers.ts';
import { type DeedResult, useDeed } from './use-deed.ts';
import type { Desk } from './use-desk.ts';

interface ProviderActionsProps {
  readonly shown: ShownProvider;
  readonly desk: Desk;
}

export function ProviderActions({ shown, desk }: ProviderActionsProps): JSX.Element {
  const deed = useDeed();
  const { provider, health, circuit } = shown;
  const run = (work: () => Promise<DeedResult>): void => void deed.run(work).then(desk.refresh);
  const isOff = health === undefined;
  const act = (label: string, isDue: boolean, work: () => Promise<DeedResult>): JSX.Element => (
    <button type="button" class={isDue ? 'due' : 'quiet'} aria-disabled={deed.isBusy} onClick={() => run(work)}>
      {label}
      <span class="unseen"> {provider}</span>
    </button>
  );
  return (
    <div class="actions">
      <div class="buttons">
        {!isOff && act('Test', false, async () => testWords(await desk.api.testProvider({ provider })))}
        {!isOff &&
          act('Close circuit', circuit.is !== 'closed', async () =>
            countWords((await desk.api.closeCircuit({ provider })).count, 'circuit', 'closed', 'No circuit was open'),
          )}
        {!isOff &&
          act('Unpin', health.pins.length > 0, async () =>
            countWords((await desk.api.unpin({ provider })).count, 'model', 'unpinned', 'Nothing was pinned'),
          )}
        <a class="button quiet" href={`#settings/${provider}`}>
          Settings<span class="unseen"> of {provider}</span>
        </a>
      </div>
      <Outcome deed={deed} />
    </div>
  );
}

function countWords(count: number, what: string, done: string, none: string): DeedResult {
  return { isGood: true, sentence: count === 0 ? `${none}.` : `${counted(count, what)} ${done}.` };
}

function testWords({ ok, ms, model, error, health }: AdminTestedProvider): DeedResult {
  const check = health.error === undefined ? '' : ` Its health check failed: ${health.error.message}`;
  if (ok) return { isGood: true, sentence: `It answered in ${duration(ms)}${model === undefined ? '' : ` with ${model}`}.${check}` };
  return { isGood: false, sentence: `It did not answer (${duration(ms)}). ${error?.code ?? 'unknown'}: ${error?.message ?? ''}${check}` };
}
