/** Labelled inputs: label, control, hint and fault belong together, for the eye and for a screen reader. */
import { type ComponentProps, type ReactNode, useId } from 'react';

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What is wrong with the value, under it. */
  readonly fault?: string | undefined;
}

const BOX =
  'w-full rounded-lg border bg-surface px-3 py-2 text-[15px] leading-snug text-ink transition-colors hover:border-faint focus-visible:outline-offset-0 disabled:bg-sunken disabled:text-muted';
const box = (fault: string | undefined) => `${BOX} ${fault ? 'border-danger' : 'border-field'}`;

export function TextField({ label, hint, fault, ...rest }: FieldProps & ComponentProps<'input'>) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(wiring) => <input type="text" autoComplete="off" {...rest} {...wiring} className={box(fault)} />}
    </Field>
  );
}

/** Grows with its text. */
export function TextArea({ label, hint, fault, rows = 2, ...rest }: FieldProps & ComponentProps<'textarea'>) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(wiring) => (
        <textarea
          {...rest}
          {...wiring}
          // In lines of text, and the padding.
          style={{ minHeight: `calc(${rows} * 1lh + 1.1rem)` }}
          className={`${box(fault)} block [field-sizing:content] resize-y`}
        />
      )}
    </Field>
  );
}

export function Select({ label, hint, fault, children, ...rest }: FieldProps & ComponentProps<'select'>) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(wiring) => (
        <select {...rest} {...wiring} className={`${box(fault)} min-h-10`}>
          {children}
        </select>
      )}
    </Field>
  );
}

interface Wiring {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
}

function Field({ label, hint, fault, children }: FieldProps & { readonly children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const note = fault ?? hint;
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      {children({ id, 'aria-describedby': note ? `${id}-note` : undefined, 'aria-invalid': fault ? true : undefined })}
      {note && (
        <p id={`${id}-note`} role={fault ? 'alert' : undefined} className={`mt-1.5 text-[13px] ${fault ? 'text-danger' : 'text-muted'}`}>
          {note}
        </p>
      )}
    </div>
  );
}
