import type { ComponentChildren, JSX } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A question that has to be answered first. The browser keeps the focus inside, closes it by Escape and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // At once, both ways: between a press and an effect after the next painting, another key would go nowhere.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    element?.addEventListener('close', onClose);
    return () => {
      // The event comes later than the closing, when another dialog may be there.
      element?.removeEventListener('close', onClose);
      // While it is open, nothing behind it takes the focus.
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={titleId}>
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly sentence: string;
  readonly verb: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** What can do harm is on the second button; Enter alone does none. */
export function Confirm({ title, sentence, verb, onConfirm, onClose }: ConfirmProps): JSX.Element {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{sentence}</p>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="due" onClick={() => (onClose(), onConfirm())}>
          {verb}
        </button>
      </div>
    </Dialog>
  );
}
