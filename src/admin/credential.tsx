import type { JSX } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { Confirm } from './dialog.tsx';
import { Outcome } from './outcome.tsx';
import { type DeedResult, useDeed } from './use-deed.ts';
import type { Desk } from './use-desk.ts';

interface CredentialProps {
  readonly desk: Desk;
  readonly provider: string;
  readonly hasKey: boolean;
}

/** A key can be written and taken away, and never read. */
export function Credential({ desk, provider, hasKey }: CredentialProps): JSX.Element {
  const id = useId();
  const deed = useDeed();
  const field = useRef<HTMLInputElement>(null);
  const [isAsking, setIsAsking] = useState(false);
  const save = async (apiKey: string | null): Promise<DeedResult> => {
    desk.adopt(await desk.api.save({ providers: { [provider]: { apiKey } } }));
    return { isGood: true, sentence: apiKey === null ? 'The key is gone.' : 'The new key is in its place.' };
  };
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    const key = field.current?.value.trim() ?? '';
    void deed.run(async () => {
      if (key === '') return { isGood: false, sentence: 'The new key is missing.' };
      const result = await save(key);
      // It stays nowhere on the page.
      if (field.current !== null) field.current.value = '';
      return result;
    });
  };
  return (
    <form class="credential" aria-label={`key of ${provider}`} onSubmit={onSubmit}>
      <div class="field">
        <label for={id}>New key</label>
        <input ref={field} id={id} type="password" autocomplete="off" spellcheck={false} aria-describedby={`${id}-note`} />
        <p class="note" id={`${id}-note`}>
          {hasKey ? 'A key is set. It cannot be shown.' : 'No key is set.'}
        </p>
      </div>
      <div class="save-bar">
        <button type="submit" class="quiet" aria-disabled={deed.isBusy}>
          Replace key<span class="unseen"> of {provider}</span>
        </button>
        <button type="button" class="quiet" aria-disabled={deed.isBusy} onClick={() => setIsAsking(true)}>
          Remove key<span class="unseen"> of {provider}</span>
        </button>
        <Outcome deed={deed} />
      </div>
      {isAsking && (
        <Confirm
          title={`Remove the key of ${provider}?`}
          sentence="Its calls go out without credentials from then on. The key cannot be brought back from here."
          verb="Remove key"
          onClose={() => setIsAsking(false)}
          onConfirm={() => void deed.run(() => save(null))}
        />
      )}
    </form>
  );
}
