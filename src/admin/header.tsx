import type { JSX } from 'preact';
import type { Link } from './event-feed.ts';
import { clockTime, relativeTime } from './figures.ts';
import { Status } from './mark.tsx';
import { useNow } from './now.tsx';
import { type Place, places } from './places.ts';
import type { Desk } from './use-desk.ts';

interface HeaderProps {
  readonly desk: Desk;
  readonly here: Place;
  readonly onLeave: () => void;
}

export function Header({ desk, here, onLeave }: HeaderProps): JSX.Element {
  return (
    <header class="top">
      <h1 class="wordmark">inferlane</h1>
      <nav aria-label="Parts of this page">
        <ul>
          {(Object.keys(places) as Place[]).map((name) => (
            <li key={name}>
              <a href={`#${name}`} aria-current={name === here ? 'page' : undefined}>
                {places[name]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <Connection link={desk.link} skewMs={desk.skewMs} />
      <button type="button" class="quiet" onClick={onLeave}>
        Log out
      </button>
    </header>
  );
}

/** Whether what is seen here is what happens now. */
function Connection({ link, skewMs }: { readonly link: Link; readonly skewMs: number }): JSX.Element {
  const nowMs = useNow();
  if (link.is === 'live') return <Status is="ok" word="live" />;
  if (link.is === 'connecting') return <Status is="unknown" word="connecting" />;
  const retryAtMs = link.retryAtMs + skewMs;
  const next = retryAtMs - nowMs >= 1_000 ? `next try ${relativeTime(retryAtMs, nowMs)}` : 'trying again';
  return <Status is="bad" word={`no connection since ${clockTime(link.sinceMs + skewMs, nowMs)}, ${next}`} />;
}
