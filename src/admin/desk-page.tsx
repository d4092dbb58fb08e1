import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { onPlace, place } from './browser.ts';
import { Header } from './header.tsx';
import { NowProvider } from './now.tsx';
import { Overview } from './overview.tsx';
import { type Place, places } from './places.ts';
import { Playground } from './playground.tsx';
import { Settings } from './settings.tsx';
import { shownProviders } from './shown-providers.ts';
import { type Desk, useDesk } from './use-desk.ts';
import { Verdict } from './verdict.tsx';

interface DeskPageProps {
  readonly token: string;
  readonly onLeave: (why: string) => void;
}

export function DeskPage({ token, onLeave }: DeskPageProps): JSX.Element {
  const desk = useDesk(token, () => onLeave('The server no longer takes this token.'));
  const [here, target] = usePlace();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // Before the next key of whoever is fast: what moves the focus later than the page takes it from where they have gone by then.
  useLayoutEffect(() => {
    // Whoever goes to another part goes on reading there.
    if (!isFirst.current && target === '') main.current?.focus();
    isFirst.current = false;
  }, [here]);
  return (
    <NowProvider skewMs={desk.skewMs}>
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <Header desk={desk} here={here} onLeave={() => onLeave('')} />
      <main id="content" ref={main} tabIndex={-1} aria-label={places[here]}>
        <Content desk={desk} here={here} target={target} />
      </main>
    </NowProvider>
  );
}

interface ContentProps {
  readonly desk: Desk;
  readonly here: Place;
  /** The provider that is meant, or empty. */
  readonly target: string;
}

/** Parts that are not looked at stay as they are: what was typed, and what was answered, is still there later. */
function Content({ desk, here, target }: ContentProps): JSX.Element {
  const { state } = desk;
  if (state === undefined) return <p class="empty">Asking the server how things stand …</p>;
  const providers = shownProviders(state);
  return (
    <>
      <Verdict desk={desk} state={state} providers={providers} isShort={here !== 'overview'} />
      <div hidden={here !== 'overview'}>
        <Overview desk={desk} state={state} providers={providers} />
      </div>
      <div hidden={here !== 'playground'}>
        <Playground desk={desk} state={state} />
      </div>
      <div hidden={here !== 'settings'}>
        <Settings desk={desk} settings={state.settings} providers={providers} target={here === 'settings' ? target : ''} />
      </div>
    </>
  );
}

/** Behind a stroke may stand which provider is meant: `settings/gpu`. */
function usePlace(): readonly [Place, string] {
  const [text, setText] = useState(place);
  useEffect(() => onPlace(() => setText(place())), []);
  const [name = '', target = ''] = text.split('/');
  return [Object.hasOwn(places, name) ? (name as Place) : 'overview', target];
}
