import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, posix } from 'node:path';
import ts from 'typescript';

/** One file under `src/`; `path` is relative to it, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface Import {
  readonly specifier: string;
  /** `type` is erased by the compiler, `dynamic` is `import()`, `value` is loaded with the file. */
  readonly kind: 'value' | 'type' | 'dynamic';
  /** Path relative to `src/` of a file of ours; otherwise undefined. */
  readonly file?: string;
  /** `node`, or the name of a package; undefined for a file of ours. */
  readonly package?: string;
}

export function source(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** What is installed or built there is none of ours, and is not walked through. */
const foreign: ReadonlySet<string> = new Set(['node_modules', 'dist']);

export function readSources(root: URL): Source[] {
  return globSync('**/*.{ts,tsx}', { cwd: root, exclude: (path) => foreign.has(basename(path)) })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
    .map((path) => source(path, readFileSync(new URL(path, root), 'utf8')));
}

/** Applies a rule to every file. A rule that read nothing has proved nothing, so that throws. */
export function breaches(sources: readonly Source[], rule: (file: Source) => string[]): string[] {
  if (sources.length === 0) throw new Error('no source file was read');
  return sources.flatMap((file) => rule(file).map((breach) => `${file.path}: ${breach}`));
}

/** Whether a path is covered by `folder/`, `folder/name-*`, or an exact file name. */
export function covers(pattern: string, path: string): boolean {
  if (pattern.endsWith('/')) return path.startsWith(pattern);
  const [start, end] = pattern.split('*');
  return end === undefined ? path === pattern : path.startsWith(start ?? '') && path.endsWith(end);
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export function line(file: Source, node: ts.Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1;
}

export function importsOf(file: Source): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, kind: Import['kind']): void => {
    if (specifier === undefined) return;
    // A computed specifier hides from every table, so it is kept under a name that none allows.
    const name = ts.isStringLiteralLike(specifier) ? specifier.text : `(computed) ${specifier.getText(file.tree)}`;
    found.push({ specifier: name, kind, ...locate(file.path, name) });
  };
  walk(file.tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node.importClause) ? 'type' : 'value');
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyExport(node) ? 'type' : 'value');
    else if (ts.isImportTypeNode(node)) add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument, 'type');
    else if (ts.isExternalModuleReference(node)) add(node.expression, 'value');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], 'dynamic');
  });
  return found;
}

function locate(from: string, specifier: string): Pick<Import, 'file' | 'package'> {
  if (specifier.startsWith('.')) return { file: posix.join(posix.dirname(from), specifier) };
  if (isBuiltin(specifier)) return { package: 'node' };
  const parts = specifier.split('/');
  return { package: specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier) };
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings;
  if (clause.name !== undefined || names === undefined || !ts.isNamedImports(names)) return false;
  return names.elements.length > 0 && names.elements.every((element) => element.isTypeOnly);
}

function isTypeOnlyExport(node: ts.ExportDeclaration): boolean {
  if (node.isTypeOnly) return true;
  const names = node.exportClause;
  if (names === undefined || !ts.isNamedExports(names)) return false;
  return names.elements.length > 0 && names.elements.every((element) => element.isTypeOnly);
}

/** Lines of every function with a block body, braces included; a one-expression arrow is not counted. */
export function functionsOf(file: Source): { name: string; line: number; lines: number }[] {
  const found: { name: string; line: number; lines: number }[] = [];
  walk(file.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node)) return;
    const body = node.body as ts.Node | undefined;
    if (body === undefined || !ts.isBlock(body)) return;
    const last = file.tree.getLineAndCharacterOfPosition(body.end).line + 1;
    found.push({ name: nameOf(node), line: line(file, node), lines: last - line(file, body) + 1 });
  });
  return found;
}

/** Lines of functions that are made where a property is set, as in `a.b = () => c`. */
export function assignedFunctionsOf(file: Source): number[] {
  const found: number[] = [];
  walk(file.tree, (node) => {
    if (!ts.isBinaryExpression(node) || !ASSIGNMENTS.has(node.operatorToken.kind)) return;
    const isMember = ts.isPropertyAccessExpression(node.left) || ts.isElementAccessExpression(node.left);
    if (isMember && (ts.isArrowFunction(node.right) || ts.isFunctionExpression(node.right))) found.push(line(file, node));
  });
  return found;
}

const ASSIGNMENTS = new Set([
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
]);

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : '(anonymous)';
}

const GLOBALS = new Set(['fetch', 'setTimeout', 'setInterval', 'console']);
const MEMBERS = new Set(['Date.now', 'performance.now', 'Math.random', 'AbortSignal.timeout']);

/** Uses of time, randomness, the network and the console that no caller can replace. */
export function ambientUsesOf(file: Source): { name: string; line: number }[] {
  const found: { name: string; line: number }[] = [];
  const add = (name: string, node: ts.Node): number => found.push({ name, line: line(file, node) });
  walk(file.tree, (node) => {
    if (ts.isIdentifier(node) && GLOBALS.has(node.text) && readsVariable(node)) add(node.text, node);
    if (ts.isNewExpression(node) && node.expression.getText(file.tree) === 'Date' && !node.arguments?.length) add('Date.now', node);
    if (!ts.isPropertyAccessExpression(node)) return;
    const path = node
      .getText(file.tree)
      .replaceAll(/\s|\?/g, '')
      .replace(/^globalThis\./, '');
    if (MEMBERS.has(path)) add(path, node);
    if (node.expression.getText(file.tree) === 'globalThis' && GLOBALS.has(path)) add(path, node);
  });
  return found;
}

/** False where the word names a member, a parameter or a type rather than reading the global. */
function readsVariable(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isTypeNode(parent) || ts.isQualifiedName(parent)) return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  return !('name' in parent && parent.name === node) && !('propertyName' in parent && parent.propertyName === node);
}

/** `any` in a type, and comments that silence the compiler. */
export function escapesOf(file: Source): string[] {
  const found: string[] = [];
  walk(file.tree, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`line ${line(file, node)}: any`);
  });
  for (const match of file.text.matchAll(/@ts-(?:ignore|expect-error|nocheck)/g)) found.push(match[0]);
  return found;
}
