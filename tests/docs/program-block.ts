import { relative } from 'node:path';
import { type CodeBlock, blocksOf } from './code-blocks.ts';
import type { Create } from './given/every-page.ts';
import { pages } from './pages.ts';
import { type ImportedName, type ParsedBlock, parseBlock } from './parsed-block.ts';
import { type Given, type Scene, scenes, usual } from './scenes.ts';

/** A block of code with what its page lets it take for granted, so that it is a whole. */
export interface ProgramBlock {
  readonly block: CodeBlock;
  readonly parsed: ParsedBlock;
  readonly scene: Scene;
  /** The block behind the imports that it leaves out; its lines keep their numbers. */
  readonly code: string;
  /** What it uses and neither declares nor imports, by name, and the module of `given/` that makes it. */
  readonly given: readonly GivenValue[];
  /** What the environment holds. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface GivenValue {
  readonly name: string;
  readonly file: string;
  readonly make: Given;
}

export function programOf(block: CodeBlock): ProgramBlock {
  const scene = scenes[block.page] ?? {};
  const own = block.language === 'diff' ? addedBy(block.code) : block.code;
  const parsed = parseBlock(own);
  const lacks = (name: string): boolean => parsed.names.has(name) && !parsed.declared.has(name);
  const known = new Map([...parseBlock(scene.imports ?? '').imports, ...importsBefore(block)].map((each) => [each.name, each]));
  const imports = [...known.values()].filter(({ name }) => lacks(name));
  const modules = [usual, ...(scene.given === undefined ? [] : [scene.given])];
  const values = modules.flatMap(([file, makers]) => Object.entries(makers).map(([name, make]): GivenValue => ({ name, file, make })));
  const given = new Map(values.filter(({ name }) => lacks(name) && !known.has(name)).map((each) => [each.name, each]));
  const code = `${imports.map(lineOf).join(' ')}${own}`;
  return { block, parsed, scene, code, given: [...given.values()], variables: variablesBefore(block) };
}

/** Readers have seen them; of a change, those of the program that it leads to. */
function importsBefore({ page, line, language }: CodeBlock): readonly ImportedName[] {
  const isKnown = (each: CodeBlock): boolean => (language === 'diff' || each.line < line) && /^[jt]s$/.test(each.language);
  return blocksOn(page)
    .filter(isKnown)
    .flatMap(({ code }) => parseBlock(code).imports);
}

function blocksOn(path: string): readonly CodeBlock[] {
  return pages.filter((page) => page.path === path).flatMap(blocksOf);
}

/** What a change puts in the place of what was there. `{ … }` is whatever the reader has: here, what is given. */
function addedBy(code: string): string {
  const lines = code.split('\n').map((line) => (line.startsWith('+') ? line.slice(1) : ''));
  return lines.join('\n').replaceAll('providers: { … }', 'providers');
}

/** The variables that the page has told to set, in blocks that hold nothing else. */
function variablesBefore({ page, line }: CodeBlock): Readonly<Record<string, string>> {
  const shells = blocksOn(page).filter((each) => each.language === 'sh' && each.line < line);
  const lines = shells.map(({ code }) => code.trimEnd().split('\n')).filter((all) => all.every((each) => /^[A-Z_]+=/.test(each)));
  return Object.fromEntries(lines.flat().map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]));
}

function lineOf({ from, name, text }: ImportedName): string {
  const isWhole = text === 'default' || text.startsWith('*');
  return `import ${isWhole ? text.replace('default', name) : `{ ${text} }`} from '${from}';`;
}

/** A module for the compiler, by its path from the root: what is given has the types of what makes it. */
export function typedModule({ block, code, given, scene }: ProgramBlock): readonly [path: string, code: string] {
  const folder = scene.folder ?? 'tests/docs';
  const kit = relative(folder, 'tests/docs/given').replaceAll('\\', '/');
  const pathOf = (file: string): string => (kit.startsWith('.') ? `${kit}/${file}.ts` : `./${kit}/${file}.ts`);
  const types = given.map(({ name, file }) => `declare const ${name}: Awaited<ReturnType<typeof import('${pathOf(file)}').${name}>>;`);
  return [`${folder}/${block.page.replaceAll(/\W/g, '-')}-${block.line}.ts`, `${types.join(' ')} ${code}\nexport {};\n`];
}

/** The values, made for one run. */
export async function valuesFor({ given }: ProgramBlock, create: Create): Promise<Readonly<Record<string, unknown>>> {
  return Object.fromEntries(await Promise.all(given.map(async ({ name, make }) => [name, await make(create)] as const)));
}
