import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AdminState } from '../http/admin-contract.ts';
import type { LogEntry } from './activity.ts';
import type { Tone } from './event-words.ts';
import { HoldButton } from './hold-button.tsx';
import { Mark } from './mark.tsx';
import { Moment } from './now.tsx';
import type { MarkKind } from './shown-providers.ts';
import { useHeld } from './use-held.ts';

const marks: Readonly<Record<Tone, MarkKind>> = { bad: 'bad', watch: 'watch', good: 'ok', plain: 'off' };
const mostShown = 80;

/** Every event of the router, the latest first. */
export function EventLog({ entries, state }: { readonly entries: readonly LogEntry[]; readonly state: AdminState }): JSX.Element {
  const [subject, setSubject] = useState('all');
  const { shown, isHeld, toggle } = useHeld(entries);
  const chosen = subject === 'all' ? shown : shown.filter(({ words }) => words.subject === subject);
  // What an event says of the future is on the router's own clock.
  const aheadMs = state.atMs - state.snapshot.nowMs;
  return (
    <section aria-labelledby="events-title">
      <header class="section-head">
        <h2 id="events-title">Events</h2>
        <label class="inline-field">
          Show{' '}
          <select value={subject} onChange={(event) => setSubject(event.currentTarget.value)}>
            <option value="all">all</option>
            <option value="decisions">decisions</option>
            <option value="calls">calls</option>
          </select>
        </label>
        <HoldButton what="events" isHeld={isHeld} onToggle={toggle} />
      </header>
      {chosen.length === 0 ? (
        <p class="empty">None since this page was opened.</p>
      ) : (
        <ol class="log scroll" tabIndex={0} role="list" aria-label="Events, the latest first">
          {chosen.slice(0, mostShown).map((entry) => (
            <EventRow key={entry.key} entry={entry} aheadMs={aheadMs} />
          ))}
        </ol>
      )}
    </section>
  );
}

function EventRow({ entry, aheadMs }: { readonly entry: LogEntry; readonly aheadMs: number }): JSX.Element {
  const { words, atMs, name } = entry;
  return (
    <li class={`event-${words.tone}`} title={name}>
      <Moment atMs={atMs} only="clock" />
      <Mark is={marks[words.tone]} />
      <span>
        {words.sentence}
        {words.untilMs !== undefined && (
          <>
            {', until '}
            <Moment atMs={words.untilMs + aheadMs} only="clock" />
          </>
        )}
        .
      </span>
    </li>
  );
}
