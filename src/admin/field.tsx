import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import type { FieldSpec } from './form-fields.ts';
import type { Form } from './use-form.ts';

interface FieldProps {
  readonly spec: FieldSpec;
  readonly form: Form;
}

export function Field({ spec, form }: FieldProps): JSX.Element {
  const id = useId();
  const problem = form.problemOf(spec);
  const described = [spec.note === undefined ? '' : `${id}-note`, problem === undefined ? '' : `${id}-problem`]
    .filter((each) => each !== '')
    .join(' ');
  return (
    <div class={`field${form.isChanged(spec) ? ' changed' : ''}${spec.kind === 'order' ? ' wide' : ''}`}>
      <label for={id}>
        {spec.label}
        {form.isChanged(spec) && <span class="unseen">, changed</span>}
      </label>
      <Control id={id} spec={spec} form={form} described={described} isInvalid={problem !== undefined} />
      {spec.note !== undefined && (
        <p class="note" id={`${id}-note`}>
          {spec.note}
        </p>
      )}
      {problem !== undefined && (
        <p class="problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
    </div>
  );
}

interface ControlProps extends FieldProps {
  readonly id: string;
  readonly described: string;
  readonly isInvalid: boolean;
}

function Control({ id, spec, form, described, isInvalid }: ControlProps): JSX.Element {
  const { kind, name, choices = [], isRequired = false } = spec;
  const value = form.valueOf(spec);
  const common = { id, 'aria-describedby': described === '' ? undefined : described, 'aria-invalid': isInvalid };
  if (kind !== 'choice' && kind !== 'flag') {
    return (
      <input
        {...common}
        value={value}
        placeholder={isRequired ? '' : 'default'}
        inputMode={kind === 'number' ? 'decimal' : 'text'}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => form.set(name, event.currentTarget.value)}
      />
    );
  }
  return (
    <select {...common} value={value} onChange={(event) => form.set(name, event.currentTarget.value)}>
      {!isRequired && <option value="">default</option>}
      {(kind === 'flag' ? ['true', 'false'] : choices).map((each) => (
        <option key={each} value={each}>
          {kind === 'flag' ? (each === 'true' ? 'yes' : 'no') : each}
        </option>
      ))}
    </select>
  );
}
