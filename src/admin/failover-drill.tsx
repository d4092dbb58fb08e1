import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AdminTestedFailover } from '../http/admin-contract.ts';
import { wordsOf } from './api.ts';
import { Dialog } from './dialog.tsx';
import { duration } from './figures.ts';
import { Mark } from './mark.tsx';
import type { Desk } from './use-desk.ts';

type Drill =
  | { readonly is: 'asking' }
  | { readonly is: 'told'; readonly tests: AdminTestedFailover['tests'] }
  | { readonly is: 'failed'; readonly sentence: string };

/** Who would answer, if one provider after the other were gone. */
export function FailoverDrill({ desk }: { readonly desk: Desk }): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <button type="button" class="quiet" onClick={() => setIsOpen(true)}>
        Test failover
      </button>
      {isOpen && <DrillDialog desk={desk} onClose={() => setIsOpen(false)} />}
    </>
  );
}

function DrillDialog({ desk, onClose }: { readonly desk: Desk; readonly onClose: () => void }): JSX.Element {
  const [drill, setDrill] = useState<Drill | undefined>(undefined);
  const over = useRef(new AbortController());
  useEffect(() => () => over.current.abort(), []);
  const run = async (): Promise<void> => {
    if (drill?.is === 'asking') return;
    setDrill({ is: 'asking' });
    const { signal } = over.current;
    try {
      setDrill({ is: 'told', tests: (await desk.api.testFailover(signal)).tests });
    } catch (error) {
      if (!signal.aborted) setDrill({ is: 'failed', sentence: wordsOf(error) });
    }
    desk.refresh();
  };
  return (
    <Dialog title="Test failover" onClose={onClose}>
      <p>
        Asks one short question for each provider, as if that one were not there. These are real calls: they take time, and where paid
        providers may be asked, they cost money.
      </p>
      <div role="status">
        {drill?.is === 'asking' && <p>Asking …</p>}
        {drill?.is === 'failed' && <p class="problem">{drill.sentence}</p>}
        {drill?.is === 'told' && <DrillTable tests={drill.tests} />}
      </div>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>
          Close
        </button>
        <button type="button" class="primary" aria-disabled={drill?.is === 'asking'} onClick={() => void run()}>
          {drill?.is === 'told' ? 'Test again' : 'Test now'}
        </button>
      </div>
    </Dialog>
  );
}

function DrillTable({ tests }: { readonly tests: AdminTestedFailover['tests'] }): JSX.Element {
  if (tests.length === 0) return <p>There is no provider to do without.</p>;
  return (
    <ul class="drill">
      {tests.map(({ without, ok, provider, model, ms, error }) => (
        <li key={without}>
          <Mark is={ok ? 'ok' : 'bad'} />
          <span>
            Without <b>{without}</b>:{' '}
            {ok ? (
              <>
                <b>{provider}</b> answered in {duration(ms)}
                {model === undefined ? '' : ` with ${model}`}
              </>
            ) : (
              `nobody answered (${error?.code ?? 'unknown'}: ${error?.message ?? ''})`
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
