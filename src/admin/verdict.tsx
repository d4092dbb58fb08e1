import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { AdminState } from '../http/admin-contract.ts';
import { clockTime, counted, relativeTime } from './figures.ts';
import { Mark } from './mark.tsx';
import { Moment, useNow } from './now.tsx';
import type { ShownProvider } from './shown-providers.ts';
import { type Trouble, troublesOf, type Verdict as VerdictOf, verdictOf } from './troubles.ts';
import type { Desk } from './use-desk.ts';

interface VerdictProps {
  readonly desk: Desk;
  readonly state: AdminState;
  readonly providers: readonly ShownProvider[];
  /** Without the list of what is wrong. */
  readonly isShort: boolean;
}

/** Older than this, it is no longer the state of now. */
const staleMs = 15_000;

/** The state of the whole, and what is wrong. */
export function Verdict({ desk, state, providers, isShort }: VerdictProps): JSX.Element {
  const nowMs = useNow();
  const isStale = desk.heardAtMs !== undefined && nowMs - desk.skewMs - desk.heardAtMs > staleMs;
  const verdict: VerdictOf = isStale
    ? { mark: 'unknown', sentence: 'The server does not answer' }
    : verdictOf(providers, state.health.status, state.snapshot.closed);
  useEffect(() => {
    document.title = `${isStale ? '? ' : verdict.mark === 'ok' ? '' : '! '}${verdict.sentence} · inferlane`;
  }, [verdict.sentence, verdict.mark]);
  const troubles = troublesOf(providers);
  const { inFlight, closed } = state.snapshot;
  const waiting = providers.reduce((sum, { health }) => sum + (health?.waiting ?? 0), 0);
  return (
    <section class={`verdict verdict-${verdict.mark}`} aria-label="State of the whole">
      <div role="status">
        <h2>
          <Mark is={verdict.mark} />
          {verdict.sentence}
        </h2>
      </div>
      <p class="figure">
        {isStale ? `Below is how things stood at ${clockTime(state.atMs, nowMs)}, ${relativeTime(state.atMs, nowMs)}. ` : ''}
        {counted(inFlight, 'call')} under way, {waiting} waiting
        {closed ? (
          ''
        ) : (
          <span class="aside">
            {' '}
            · running since <Moment atMs={state.startedAtMs} /> · version {state.version}
          </span>
        )}
      </p>
      {!isShort && troubles.length > 0 && <Troubles troubles={troubles} />}
    </section>
  );
}

function Troubles({ troubles }: { readonly troubles: readonly Trouble[] }): JSX.Element {
  return (
    <ul class="troubles" aria-label="What is wrong">
      {troubles.map(({ provider, mark, sentence, untilMs }) => (
        <li key={`${provider} ${sentence}`}>
          <Mark is={mark} />
          <span>
            <b>{provider}</b> {sentence}
            {untilMs !== undefined && (
              <>
                {', until '}
                <Moment atMs={untilMs} />
              </>
            )}
            .
          </span>
        </li>
      ))}
    </ul>
  );
}
