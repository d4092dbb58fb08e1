import type { JSX } from 'preact';
import type { AdminSettingsPatch } from '../http/admin-contract.ts';
import { Field } from './field.tsx';
import { listed } from './figures.ts';
import type { FieldSpec, Patch } from './form-fields.ts';
import { Outcome } from './outcome.tsx';
import { type Deed, useDeed } from './use-deed.ts';
import type { Desk } from './use-desk.ts';
import { type Form, useForm } from './use-form.ts';

interface SettingsFormProps {
  readonly desk: Desk;
  /** What it is about, for those who hear the page. */
  readonly label: string;
  readonly specs: readonly FieldSpec[];
  readonly current: Patch;
  readonly toPatch: (fields: Patch) => AdminSettingsPatch;
}

/** Fields, and buttons that send what was changed. */
export function SettingsForm({ desk, label, specs, current, toPatch }: SettingsFormProps): JSX.Element {
  const form = useForm(specs, current);
  const deed = useDeed();
  return (
    <form aria-label={label} onSubmit={(event) => (event.preventDefault(), saveForm(desk, form, deed, toPatch))}>
      <div class="fields">
        {specs.map((spec) => (
          <Field key={spec.name} spec={spec} form={form} />
        ))}
      </div>
      <SaveBar form={form} deed={deed} what={label} />
    </form>
  );
}

export function saveForm(desk: Desk, form: Form, deed: Deed, toPatch: (fields: Patch) => AdminSettingsPatch): void {
  void deed.run(async () => {
    const fields = form.patch();
    if (fields === undefined) {
      return { isGood: false, sentence: form.changedLabels.length === 0 ? 'Nothing was changed.' : 'Something that was typed is wrong.' };
    }
    desk.adopt(await desk.api.save(toPatch(fields)));
    form.reset();
    return { isGood: true, sentence: `Saved: ${listed(form.changedLabels)}.` };
  });
}

interface SaveBarProps {
  readonly form: Form;
  readonly deed: Deed;
  readonly what: string;
}

export function SaveBar({ form, deed, what }: SaveBarProps): JSX.Element {
  const count = form.changedLabels.length;
  return (
    <div class="save-bar">
      <button type="submit" class={count > 0 ? 'primary' : 'quiet'} aria-disabled={deed.isBusy}>
        Save<span class="unseen"> {what}</span>
      </button>
      <button type="button" class="quiet" onClick={() => (form.reset(), deed.forget())}>
        Undo<span class="unseen"> what was changed in {what}</span>
      </button>
      <Outcome deed={deed} />
    </div>
  );
}
