import * as z from 'zod/mini';
import { maxTimerMs } from '../lib/clock.ts';
import { quoteName } from './findings.ts';
import { didYouMean } from './nearest.ts';

/** A schema that takes and gives one type. */
export type Takes<Type> = z.ZodMiniType<Type, Type>;

/** One schema for each field of an interface: a field that is missing, or too many, is an error of the compiler. */
export type Fields<Options> = { readonly [Name in keyof Options]-?: Takes<Options[Name]> };

// Sentences, as the reader of an issue sees them after the path of the option.

export const object = 'must be an object';
export const text = (): Takes<string> => z.string('must be text').check(z.refine((value) => value.trim() !== '', 'must not be empty'));
export const flag = (): Takes<boolean> => z.boolean('must be true or false');
export const number = (what: string, accepts: (value: number) => boolean): Takes<number> =>
  z.number(`must be ${what}`).check(z.refine(accepts, `must be ${what}`));
export const whole = (from: number, to: number): Takes<number> =>
  number(`a whole number from ${from} to ${to}`, (value) => Number.isInteger(value) && value >= from && value <= to);
export const positive = (): Takes<number> => number('a number above 0', (value) => value > 0 && Number.isFinite(value));
export const share = (): Takes<number> => number('a number from 0 to 1', (value) => value >= 0 && value <= 1);
export const milliseconds = (): Takes<number> =>
  number(`a number of milliseconds above 0 and at most ${maxTimerMs}`, (value) => value > 0 && value <= maxTimerMs);
export const oneOf = <const Name extends string>(names: readonly Name[]): Takes<Name> =>
  z.enum(names, { error: ({ input }) => `must be one of ${names.join(', ')}${didYouMean(input, names)}` });
export const made = <Type>(members: Readonly<Record<string, string>>, sentence: string): Takes<Type> =>
  z.custom<Type>((value) => hasMembers(value, members), sentence);
export const record = <Type>(entry: Takes<Type>): Takes<Record<string, Type>> => z.record(z.string(), entry, object);

/** A strict object. Its unknown names are reported one to a line, in the order of `keys`. */
export function strict<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodMiniObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: ({ code, keys }) =>
      code === 'unrecognized_keys' && Array.isArray(keys)
        ? keys.map((key) => `unknown option ${quoteName(String(key))}${didYouMean(key, known)}`).join('\n')
        : object,
  });
}

/** A proxy or a getter of the application may throw. */
function hasMembers(value: unknown, members: Readonly<Record<string, string>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return Object.entries(members).every(([name, type]) => typeof (value as Record<string, unknown>)[name] === type);
  } catch {
    return false;
  }
}
