import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { orderFromText } from './order-text.ts';
import { Outcome } from './outcome.tsx';
import { useDeed } from './use-deed.ts';
import type { Desk } from './use-desk.ts';

interface NewIntentProps {
  readonly desk: Desk;
  readonly known: readonly string[];
}

export function NewIntent({ desk, known }: NewIntentProps): JSX.Element {
  const id = useId();
  const deed = useDeed();
  const [name, setName] = useState('');
  const [order, setOrder] = useState('gpu, remote, cpu, cloud');
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    void deed.run(async () => {
      const wanted = name.trim();
      if (wanted === '') return { isGood: false, sentence: 'The name is missing.' };
      if (known.includes(wanted)) return { isGood: false, sentence: 'There is an intent of this name already.' };
      desk.adopt(await desk.api.save({ intents: { [wanted]: { order: orderFromText(order) } } }));
      setName('');
      return { isGood: true, sentence: `There is an intent ${wanted} now.` };
    });
  };
  return (
    <form class="new-intent" aria-label="new intent" onSubmit={onSubmit}>
      <div class="fields">
        <div class="field">
          <label for={`${id}-name`}>New intent</label>
          <input
            id={`${id}-name`}
            value={name}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </div>
        <div class="field">
          <label for={`${id}-order`}>Its order</label>
          <input
            id={`${id}-order`}
            value={order}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setOrder(event.currentTarget.value)}
          />
        </div>
      </div>
      <div class="save-bar">
        <button type="submit" class="quiet" aria-disabled={deed.isBusy}>
          Make this intent
        </button>
        <Outcome deed={deed} />
      </div>
    </form>
  );
}
