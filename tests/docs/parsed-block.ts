import ts from 'typescript';
import { providerTypes } from '../../src/index.ts';
import type { BackendKind } from '../../src/testing/index.ts';

/** A server that a block of code speaks of. */
export interface NamedServer {
  readonly type: Extract<BackendKind, string>;
  readonly url: string;
  /** Where its address stands in the code; two equal places where it is left out, at the end of the literal. */
  readonly at: readonly [from: number, to: number];
}

/** What can be read off a block of code without running it. */
export interface ParsedBlock {
  /** What it imports: the names, and from where. Names of types are among them. */
  readonly imports: readonly ImportedName[];
  /** Every name that stands in it, be it a variable, a field or a type. */
  readonly names: ReadonlySet<string>;
  /** The values that it makes at its top: variables, functions, classes. */
  readonly makes: readonly string[];
  /** These, and its types, and what it imports. */
  readonly declared: ReadonlySet<string>;
  /** Every `{ type, url }` of a server; without `url`, at the usual address of the type. */
  readonly servers: readonly NamedServer[];
  /** The environment variables that it reads by name. */
  readonly variables: readonly string[];
}

export interface ImportedName {
  readonly from: string;
  /** As it is written between the braces, or `default` or `* as name`. */
  readonly text: string;
  readonly name: string;
}

export function parseBlock(code: string): ParsedBlock {
  const file = ts.createSourceFile('block.ts', code, ts.ScriptTarget.Latest, true);
  const imports = file.statements.filter(ts.isImportDeclaration).flatMap(importsOf);
  const servers: NamedServer[] = [];
  const variables: string[] = [];
  const names = new Set<string>();
  walk(file, (node) => {
    if (ts.isIdentifier(node)) names.add(node.text);
    if (ts.isObjectLiteralExpression(node)) servers.push(...serverIn(node));
    const variable = variableIn(node);
    if (variable !== undefined) variables.push(variable);
  });
  const makes = file.statements.flatMap(valuesOf);
  const declared = new Set([...imports.map(({ name }) => name), ...makes, ...file.statements.flatMap(typesOf)]);
  return { imports, names, makes, declared, servers, variables };
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function importsOf({ importClause, moduleSpecifier }: ts.ImportDeclaration): readonly ImportedName[] {
  const from = ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : '';
  const imported = (name: ts.Identifier, text: string): ImportedName => ({ from, text, name: name.text });
  const found: ImportedName[] = importClause?.name ? [imported(importClause.name, 'default')] : [];
  const bindings = importClause?.namedBindings;
  if (bindings === undefined) return found;
  if (ts.isNamespaceImport(bindings)) return [...found, imported(bindings.name, `* as ${bindings.name.text}`)];
  return [...found, ...bindings.elements.map((element) => imported(element.name, element.getText()))];
}

function valuesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.flatMap(({ name }) => namesIn(name));
  const isNamed = ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement);
  return isNamed && statement.name !== undefined ? [statement.name.text] : [];
}

function typesOf(statement: ts.Statement): readonly string[] {
  return ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) ? [statement.name.text] : [];
}

function namesIn(name: ts.BindingName): readonly string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []));
}

function serverIn(literal: ts.ObjectLiteralExpression): readonly NamedServer[] {
  const texts = new Map<string, ts.StringLiteralLike>();
  for (const property of literal.properties) {
    if (ts.isPropertyAssignment(property) && ts.isStringLiteralLike(property.initializer)) {
      texts.set(property.name.getText(), property.initializer);
    }
  }
  const [type = '', given] = [texts.get('type')?.text, texts.get('url')];
  if (!isServer(type)) return [];
  const url = given?.text ?? providerTypes[type].defaultUrl;
  const end = literal.properties.end;
  return url === undefined ? [] : [{ type, url, at: given === undefined ? [end, end] : [given.getStart(), given.end] }];
}

/** The code with other addresses in the place of those that it names, in their order. */
export function withAddresses(code: string, servers: readonly NamedServer[], urls: readonly string[]): string {
  const moves = servers.map(({ at: [from, to] }, index) => ({ from, to, text: `${from === to ? ', url: ' : ''}'${urls[index]}'` }));
  return moves
    .toSorted((left, right) => right.from - left.from)
    .reduce((all, { from, to, text }) => all.slice(0, from) + text + all.slice(to), code);
}

export function isServer(type: string): type is NamedServer['type'] {
  return Object.hasOwn(providerTypes, type) && providerTypes[type as keyof typeof providerTypes].runs === 'network';
}

/** `process.env.NAME` or `process.env['NAME']` */
function variableIn(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node) && node.expression.getText() === 'process.env') return node.name.text;
  if (!ts.isElementAccessExpression(node) || node.expression.getText() !== 'process.env') return undefined;
  return ts.isStringLiteralLike(node.argumentExpression) ? node.argumentExpression.text : undefined;
}
