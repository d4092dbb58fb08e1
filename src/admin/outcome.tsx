import type { JSX } from 'preact';
import { Mark } from './mark.tsx';
import type { Deed } from './use-deed.ts';

/** What came of something, told to screen readers too. It is always there, because only changes of what is there are told. */
export function Outcome({ deed: { isBusy, result } }: { readonly deed: Deed }): JSX.Element {
  return (
    <p class={`outcome${result === undefined ? '' : result.isGood ? ' outcome-good' : ' outcome-bad'}`} role="status">
      {isBusy && 'Asking …'}
      {result !== undefined && (
        <>
          <Mark is={result.isGood ? 'ok' : 'bad'} />
          <span>{result.sentence}</span>
        </>
      )}
    </p>
  );
}
