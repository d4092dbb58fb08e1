import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { AdminSettings, AdminSettingsPatch } from '../http/admin-contract.ts';
import { percent } from './figures.ts';
import type { FieldSpec, Patch } from './form-fields.ts';
import { moved, prioritySpec, shares, sortedByPriority, toProviderPatches, usualPriority, weightSpec } from './order-rows.ts';
import { SaveBar, saveForm } from './settings-form.tsx';
import type { ShownProvider } from './shown-providers.ts';
import { useDeed } from './use-deed.ts';
import type { Desk } from './use-desk.ts';
import { type Form, useForm } from './use-form.ts';

interface OrderFormProps {
  readonly desk: Desk;
  readonly settings: AdminSettings;
  readonly providers: readonly ShownProvider[];
}

/** Who goes first, and whose share is how large. */
export function OrderForm({ desk, settings, providers }: OrderFormProps): JSX.Element {
  const specs = providers.flatMap(({ provider }) => [prioritySpec(provider), weightSpec(provider)]);
  const form = useForm(specs, currentOf(providers));
  const deed = useDeed();
  const typedIn = (spec: FieldSpec, usual: number): number => {
    const text = form.valueOf(spec).trim();
    return text === '' || !Number.isFinite(Number(text)) ? usual : Number(text);
  };
  const sorted = sortedByPriority(providers, (shown) => typedIn(prioritySpec(shown.provider), usualPriority(shown)));
  const share = shares(
    providers.map(({ provider, health }) => ({ provider, weight: typedIn(weightSpec(provider), 1), isOn: health !== undefined })),
  );
  const onMove = (provider: string, by: 1 | -1): void => {
    for (const [id, priority] of moved(sorted, provider, by)) form.set(prioritySpec(id).name, String(priority));
  };
  return (
    <form aria-label="order and load ratio" onSubmit={(event) => (event.preventDefault(), saveForm(desk, form, deed, toPatch))}>
      <p class="note">
        A smaller priority goes first; providers of the same priority stand equal, and the intent’s order decides. The share by weight holds
        where the balance is weighted or least-busy; it is {settings.balance} now.
      </p>
      <ol class="order-rows">
        {sorted.map(({ provider }, index) => (
          <OrderRow
            key={provider}
            provider={provider}
            form={form}
            share={share.get(provider) ?? 0}
            place={`${index + 1} of ${sorted.length}`}
            onMove={onMove}
          />
        ))}
      </ol>
      <SaveBar form={form} deed={deed} what="order and load ratio" />
    </form>
  );
}

function currentOf(providers: readonly ShownProvider[]): Patch {
  return Object.fromEntries(
    providers.flatMap(({ provider, settings }) => [
      [prioritySpec(provider).name, settings?.priority],
      [weightSpec(provider).name, settings?.weight],
    ]),
  );
}

function toPatch(fields: Patch): AdminSettingsPatch {
  return { providers: toProviderPatches(fields) };
}

interface OrderRowProps {
  readonly provider: string;
  readonly form: Form;
  readonly share: number;
  readonly place: string;
  readonly onMove: (provider: string, by: 1 | -1) => void;
}

function OrderRow({ provider, form, share, place, onMove }: OrderRowProps): JSX.Element {
  const pressed = useRef<HTMLButtonElement | undefined>(undefined);
  useLayoutEffect(() => {
    // A row that is moved loses the focus of its button.
    pressed.current?.focus();
    pressed.current = undefined;
  }, [place]);
  const mover = (by: 1 | -1, arrow: string, word: string): JSX.Element => (
    <button
      type="button"
      class="quiet"
      onClick={(event) => {
        pressed.current = event.currentTarget;
        onMove(provider, by);
      }}
    >
      {arrow}
      <span class="unseen">
        {word} {provider}, {place}
      </span>
    </button>
  );
  return (
    <li>
      <span class="buttons">
        {mover(-1, '↑', 'Move up')}
        {mover(1, '↓', 'Move down')}
      </span>
      <b>{provider}</b>
      <NumberCell label="Priority" spec={prioritySpec(provider)} usual="0" form={form} />
      <NumberCell label="Weight" spec={weightSpec(provider)} usual="1" form={form} />
      <span class="share figure">{percent(share)} by weight</span>
    </li>
  );
}

interface NumberCellProps {
  readonly label: string;
  readonly spec: FieldSpec;
  /** What holds where nothing is typed. */
  readonly usual: string;
  readonly form: Form;
}

function NumberCell({ label, spec, usual, form }: NumberCellProps): JSX.Element {
  const problem = form.problemOf(spec);
  return (
    <label class={form.isChanged(spec) ? 'changed' : ''}>
      {label}
      <input
        aria-label={spec.label}
        aria-invalid={problem !== undefined}
        title={problem ?? ''}
        value={form.valueOf(spec)}
        placeholder={usual}
        inputMode="decimal"
        autocomplete="off"
        onInput={(event) => form.set(spec.name, event.currentTarget.value)}
      />
    </label>
  );
}
