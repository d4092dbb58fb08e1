import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { createFindings, pathText } from '../src/config/findings.ts';
import { checkShape } from '../src/config/schema.ts';

// Writes docs/reference/config.schema.json, which editors read: `node scripts/write-config-schema.ts`. What options there are, what they
// take and what they mean comes from the interfaces of src/config; which numbers and texts are allowed is asked of the check itself.

/** A JSON Schema, draft 7: the newest that every editor knows. */
export type Schema = Readonly<Record<string, unknown>>;

const entry = fileURLToPath(new URL('../src/config/options.ts', import.meta.url));

/** Made of functions, or of use only where code is. */
const onlyInCode: ReadonlySet<string> = new Set(['transport', 'logger', 'store', 'clock', 'random', 'prices', 'cache', 'adapter']);

/** Meanings that are others in a file than in code. */
const inFile: Readonly<Record<string, string>> = {
  'providers.p.type': 'Which adapter speaks to it.',
  'providers.p.apiKey': 'A key. Write `${NAME}` for the value of an environment variable, so that the file holds no secret.',
};

interface Context {
  readonly checker: ts.TypeChecker;
  /** By name of the interface; filled as they are met. */
  readonly definitions: Map<string, Schema | undefined>;
}

export function configSchema(): Schema {
  const program = ts.createProgram([entry], { target: ts.ScriptTarget.ES2023, strict: true, exactOptionalPropertyTypes: true, types: [] });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(entry);
  const symbol = file && checker.getSymbolAtLocation(file);
  const root = symbol && checker.getExportsOfModule(symbol).find(({ name }) => name === 'RouterOptions');
  if (root === undefined) throw new Error('src/config/options.ts exports no RouterOptions');
  const context: Context = { checker, definitions: new Map() };
  const { properties, ...schema } = objectSchema(checker.getDeclaredTypeOfSymbol(root), [], context);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'inferlane configuration',
    description: 'What fromFile() of inferlane reads: the options of createRouter() without those that are code.',
    ...schema,
    properties: { $schema: { description: 'Where this schema is, for editors.', type: 'string' }, ...(properties as object) },
    definitions: Object.fromEntries([...context.definitions].toSorted(([left], [right]) => (left < right ? -1 : 1))),
  };
}

type Path = readonly string[];

function objectSchema(type: ts.Type, path: Path, context: Context): Schema {
  const members = type.getProperties().filter(({ name }) => !onlyInCode.has(name));
  const required = members.filter(({ flags }) => (flags & ts.SymbolFlags.Optional) === 0).map(({ name }) => name);
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(members.map((member) => [member.name, memberSchema(member, [...path, member.name], context)])),
  };
}

/** `path`: where the check is asked about it; names of records are any. */
function memberSchema(member: ts.Symbol, path: Path, context: Context): Schema {
  const { checker } = context;
  const comment = inFile[pathText(path)] ?? ts.displayPartsToString(member.getDocumentationComment(checker)).replaceAll(/\s+/g, ' ').trim();
  const tag = member.getJsDocTags(checker).find(({ name }) => name === 'default');
  const written = ts.displayPartsToString(tag?.text).replaceAll(/\s+/g, ' ').trim();
  const usual = toValue(written);
  const description = [comment, written === '' || usual !== undefined ? '' : `Default: ${written}.`]
    .filter((part) => part !== '')
    .join(' ');
  return {
    ...(description !== '' && { description }),
    ...typeSchema(checker.getTypeOfSymbol(member), path, context),
    ...(usual !== undefined && { default: usual }),
  };
}

/** A default as a value; undefined for one in words. */
function toValue(written: string): unknown {
  const text = written.replaceAll(/(?<=\d)_(?=\d)/g, '').replace(/^'([^']*)'$/, '"$1"');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function typeSchema(type: ts.Type, path: Path, context: Context): Schema {
  const parts = (type.isUnion() ? type.types : [type]).filter((part) => (part.flags & ts.TypeFlags.Undefined) === 0 && !isFunction(part));
  const texts = inOrder(
    parts.filter((part) => part.isStringLiteral()).map(({ value }) => value),
    path,
  );
  const flags = parts
    .filter(({ flags }) => (flags & ts.TypeFlags.BooleanLiteral) !== 0)
    .map((part) => context.checker.typeToString(part) === 'true');
  const others = parts.filter((part) => !part.isStringLiteral() && (part.flags & ts.TypeFlags.BooleanLiteral) === 0);
  const schemas: Schema[] = [
    ...(flags.length === 2 ? [{ type: 'boolean' }] : flags.map((value) => ({ const: value }))),
    ...(texts.length > 0 ? [texts.length === 1 ? { const: texts[0] } : { enum: texts }] : []),
    ...others.map((part) => singleSchema(part, path, context)),
  ];
  const [first] = schemas;
  if (first === undefined) throw new Error(`${pathText(path)}: no JSON can be given for it`);
  return schemas.length === 1 ? first : { anyOf: schemas };
}

/** The compiler has no order of its own, so it is the one in which the check names them. */
function inOrder(texts: readonly string[], path: Path): readonly string[] {
  const known = texts.filter((value) => value !== 'custom');
  if (known.length < 2) return known;
  const named = /must be one of ([^;]+)/.exec(sentences(path, '').join('\n'))?.[1]?.split(', ') ?? [];
  if (texts.some((value) => !named.includes(value))) throw new Error(`${pathText(path)}: the check names others`);
  return named.filter((value) => known.includes(value));
}

function isFunction(type: ts.Type): boolean {
  return type.getCallSignatures().length > 0;
}

function singleSchema(type: ts.Type, path: Path, context: Context): Schema {
  const { checker, definitions } = context;
  if ((type.flags & ts.TypeFlags.String) !== 0) return { type: 'string', ...(isRefused(path, ' ') && { pattern: '\\S' }) };
  if ((type.flags & ts.TypeFlags.Number) !== 0) return numberSchema(path);
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    if (item === undefined) throw new Error(`${pathText(path)}: a list of nothing`);
    return { type: 'array', items: typeSchema(item, [...path, '0'], context) };
  }
  const values = type.getStringIndexType();
  if (values !== undefined) return { type: 'object', additionalProperties: typeSchema(values, [...path, 'p'], context) };
  const { name } = type.symbol;
  if (!definitions.has(name)) {
    // Taken before its members are looked at, which may be of the same kind.
    definitions.set(name, undefined);
    definitions.set(name, objectSchema(type, path, context));
  }
  return { $ref: `#/definitions/${name}` };
}

/** The sentence of the check names the limits, and the check is asked whether they hold. */
function numberSchema(path: Path): Schema {
  const sentence = sentences(path, Number.NaN).join('\n');
  const [, from, to] = /from (-?\d+) to (\d+)/.exec(sentence) ?? [];
  const [, most] = /at most (\d+)/.exec(sentence) ?? [];
  const whole = sentence.includes('whole number') && { type: 'integer' };
  const lowest = from === undefined ? (sentence.includes('above 0') ? { exclusiveMinimum: 0 } : undefined) : { minimum: Number(from) };
  if (lowest === undefined) throw new Error(`${pathText(path)}: which numbers? ${sentence}`);
  const highest = to ?? most;
  // Where more is taken with a warning, there is no limit.
  const maximum = highest !== undefined && isRefused(path, Number(highest) + 1) && { maximum: Number(highest) };
  if (maximum !== false && isRefused(path, maximum.maximum)) throw new Error(`${pathText(path)}: ${highest} is not allowed either`);
  return { type: 'number', ...whole, ...lowest, ...maximum };
}

function isRefused(path: Path, value: unknown): boolean {
  return sentences(path, value).length > 0;
}

/** What the check says of a value at a place, where all else is well. */
function sentences(path: Path, value: unknown): readonly string[] {
  const findings = createFindings();
  checkShape(withEntry({ providers: { p: { type: 'stub' } } }, path, value), findings);
  const at = pathText(path);
  return findings.issues.filter((issue) => issue.path === at).map(({ message }) => message);
}

function withEntry(inside: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  if (name === '0') return [withEntry(undefined, rest, value)];
  const entries = (inside ?? {}) as Readonly<Record<string, unknown>>;
  return { ...entries, [name]: withEntry(entries[name], rest, value) };
}

/** As the formatter writes it: lists of plain values on one line where they fit. */
export function schemaText(schema: Schema): string {
  const text = JSON.stringify(schema, undefined, 2);
  const lists = text.replaceAll(
    /^( *)(.*)\[\n([^[\]{}]*?)\n *\](,?)$/gm,
    (whole, indent: string, head: string, items: string, comma: string) => {
      const line = `${indent}${head}[${items.replaceAll(/\n */g, ' ').trim()}]${comma}`;
      return line.length <= 140 ? line : whole;
    },
  );
  return `${lists}\n`;
}

export const schemaFile: URL = new URL('../docs/reference/config.schema.json', import.meta.url);

if (import.meta.main) writeFileSync(schemaFile, schemaText(configSchema()));
