import * as z from 'zod/mini';
import type { ChatRequest } from '../index.ts';
import { badRequest, type HttpRefusal } from './failure.ts';

/** A schema by what comes out of it: what goes in is somebody else's JSON. */
export type Reads<Type> = z.ZodMiniType<Type>;

// Sentences, as the caller reads them after the path of the field. None of them shows a value.

export const mustBeObject = 'must be an object';

export const text = (): z.ZodMiniString<string> => z.string('must be text');
/** Of a model, a tool, a call. */
export const name = (): Reads<string> => text().check(z.refine((value) => value !== '', 'must not be empty'));
export const flag = (): Reads<boolean> => z.boolean('must be true or false');
/** Whatever the servers take: their ranges differ. */
export const anyNumber = (): Reads<number> => z.number('must be a number');
export const anyWhole = (): Reads<number> => z.int('must be a whole number');
export const number = (from: number, to: number): Reads<number> => bounded(z.number, `must be a number from ${from} to ${to}`, from, to);
export const whole = (from: number, to: number): Reads<number> => bounded(z.int, `must be a whole number from ${from} to ${to}`, from, to);
export const atLeast = (least: number): Reads<number> =>
  bounded(z.int, `must be a whole number, ${least} at least`, least, Number.MAX_SAFE_INTEGER);
export const count = (): Reads<number> => atLeast(1);
export const oneOf = <const Name extends string>(names: readonly Name[]): Reads<Name> =>
  z.enum(names, `must be one of ${names.join(', ')}`);
export const list = <Type>(item: Reads<Type>, sentence: string, least: number = 0): Reads<Type[]> =>
  z.array(item, sentence).check(z.minLength(least, sentence));

/** One text, or a list of them; `sentence` says what else one might think of. */
export const textOrTexts = (
  sentence: string = 'must be text or a list of texts',
  least: number = 0,
  most: number = Infinity,
): Reads<string | string[]> => z.custom<string | string[]>((value) => typeof value === 'string' || isTexts(value, least, most), sentence);

function isTexts(value: unknown, least: number, most: number): boolean {
  return Array.isArray(value) && value.length >= least && value.length <= most && value.every((each) => typeof each === 'string');
}

/** The caller's own JSON, which goes on as it is. */
export const object = (): Reads<Record<string, unknown>> => z.custom<Record<string, unknown>>(isObject, mustBeObject);

/** Nothing is in it, so whoever writes it asks for nothing. */
export function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of what is no object: none. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isObject(value) ? Object.entries(value) : [];
}

/** OpenAI's API requires one. */
export const modelName = (): Reads<string> =>
  text().check(z.refine((name) => name !== '', 'must not be empty; "default" is the default of each server'));

/** The router's own field: fields of one type of provider, by its name. */
export const extra = (): Reads<NonNullable<ChatRequest['extra']>> =>
  z.custom<NonNullable<ChatRequest['extra']>>(
    (value) => isObject(value) && Object.values(value).every(isObject),
    'must be an object of objects, by type of provider',
  );

/** What a schema finds, in another form. */
export const turned = <Schema extends z.core.$ZodType, To>(
  schema: Schema,
  turn: (found: z.output<Schema>) => To,
): z.ZodMiniPipe<Schema, z.ZodMiniTransform<Awaited<To>, z.output<Schema>>> => z.pipe(schema, z.transform(turn));

/** Null is a field left out, as clients of many languages write it. */
export const optional = <Type>(schema: Reads<Type>): Reads<Type | undefined> =>
  turned(z.nullish(schema), (value): Type | undefined => value ?? undefined);

/** Asks nothing of the answer: taken, whatever it is, and left out. */
export const ignored = (): Reads<undefined> => turned(z.optional(z.unknown()), (): undefined => undefined);

/** What would change the answer and cannot be carried out. Those who write the value that it has anyway ask for nothing. */
export const unsupported = (advice = '', isUsual: (value: unknown) => boolean = () => false): Reads<undefined> =>
  turned(
    z.optional(z.unknown()).check(z.refine((value) => value === undefined || value === null || isUsual(value), refusal(advice))),
    (): undefined => undefined,
  );

/** The same for one kind of things among others, told apart by `key`. */
export const unsupportedKind = <const Key extends string>(
  key: Key,
  kind: string,
  advice = '',
): z.ZodMiniPipe<z.ZodMiniObject<Record<Key, z.ZodMiniLiteral<string>>, z.core.$loose>, z.ZodMiniTransform<never, unknown>> =>
  turned(
    z.looseObject({ [key]: z.literal(kind) } as Record<Key, z.ZodMiniLiteral<string>>).check(z.refine(() => false, refusal(advice))),
    () => z.NEVER,
  );

/** What a union of kinds says of a value that is none of them. */
export const kinds = (key: string, names: readonly string[]): { readonly error: (issue: { readonly code?: string }) => string } => ({
  error: ({ code }) => (code === 'invalid_union' ? `must be one of ${names.join(', ')}` : `must be an object with ${key}`),
});

function refusal(advice: string): { readonly error: string; readonly params: { readonly code: string } } {
  return { error: `is not supported here${advice === '' ? '' : `; ${advice}`}`, params: { code: 'unsupported_parameter' } };
}

function bounded(kind: (sentence: string) => z.ZodMiniNumber<number>, sentence: string, from: number, to: number): Reads<number> {
  return kind(sentence).check(z.minimum(from, sentence), z.maximum(to, sentence));
}

/**
 * Reads a body. The first thing that is wrong is what is told.
 * @throws {HttpRefusal} 400 with the path of the field.
 */
export function readBody<Type>(schema: Reads<Type>, body: unknown): Type {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw issue === undefined ? badRequest('The body is wrong.') : refusalOfIssue(innermost(issue));
}

type Issue = z.core.$ZodIssue;

/** Of the alternatives of a union the one that was meant is the one that knew the value's kind, or that it got deepest into. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.flatMap(([first]) => (first === undefined ? [] : innermost(first)));
  const meant = inner.toSorted((one, other) => rank(other) - rank(one))[0];
  return meant === undefined || rank(meant) === 0 ? issue : { ...meant, path: [...issue.path, ...meant.path] };
}

function rank({ path, code }: Issue): number {
  return path.length + (code === 'custom' ? 0.5 : 0);
}

function refusalOfIssue(issue: Issue): HttpRefusal {
  const path = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const name = issue.keys.find((key) => /^[A-Za-z][A-Za-z0-9_]{0,39}$/.test(key));
    const field = name === undefined ? undefined : pathText([...issue.path, name]);
    const shown = field ?? (path === '' ? 'a field of the body' : `a field of ${path}`);
    return badRequest(`Unrecognized request argument supplied: ${shown}.`, field ?? (path || undefined), 'unknown_parameter');
  }
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  return badRequest(`${path === '' ? 'The body' : path} ${issue.message}.`, path || undefined, typeof code === 'string' ? code : undefined);
}

/** Names in a path are those of our own schemas. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`;
    return before === '' ? String(part) : `${before}.${String(part)}`;
  }, '');
}
