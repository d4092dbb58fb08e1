import type { JSX } from 'preact';

interface HoldButtonProps {
  readonly what: string;
  readonly isHeld: boolean;
  readonly onToggle: () => void;
}

export function HoldButton({ what, isHeld, onToggle }: HoldButtonProps): JSX.Element {
  return (
    <button type="button" class="quiet" aria-pressed={isHeld} onClick={onToggle}>
      Hold<span class="unseen"> the list of {what}</span>
    </button>
  );
}
