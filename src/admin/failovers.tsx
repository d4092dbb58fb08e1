import type { JSX } from 'preact';
import type { LogEntry } from './activity.ts';
import { Moment } from './now.tsx';

/** Calls that moved from one provider to another. */
export function Failovers({ entries }: { readonly entries: readonly LogEntry[] }): JSX.Element {
  return (
    <section aria-labelledby="failovers-title">
      <header class="section-head">
        <h2 id="failovers-title">Failovers</h2>
      </header>
      {entries.length === 0 ? (
        <p class="empty">None since this page was opened.</p>
      ) : (
        <ul class="log">
          {entries.slice(0, 6).map(({ key, atMs, words }) => (
            <li key={key}>
              <Moment atMs={atMs} only="clock" />
              <span>{words.sentence}.</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
