import type { JSX } from 'preact';
import type { MarkKind } from './shown-providers.ts';

/** Each status has a shape of its own, so that it can be told without colours; the word stands beside it. */
const shapes: Readonly<Record<MarkKind, JSX.Element>> = {
  ok: <circle cx="8" cy="8" r="6" />,
  watch: <path d="M8 1.5 15 14H1Z" />,
  bad: <path d="M2 2h12v12H2Z" />,
  unknown: <path class="hollow" d="M8 2 14 8 8 14 2 8Z" />,
  off: <circle class="hollow" cx="8" cy="8" r="5.5" />,
};

export function Mark({ is }: { readonly is: MarkKind }): JSX.Element {
  return (
    <svg class={`mark mark-${is}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {shapes[is]}
    </svg>
  );
}

export function Status({ is, word }: { readonly is: MarkKind; readonly word: string }): JSX.Element {
  return (
    <span class={`status status-${is}`}>
      <Mark is={is} />
      {word}
    </span>
  );
}
