import { posix } from 'node:path';
import ts from 'typescript';
import type { Source } from './source-rules.ts';

// What is exported, and who asks for it by name. Paths of sources are relative to the root of the repository here.

/**
 * Exports of `own` files that no file asks for, as `path: name`; whatever an entry point exports is asked for by users. A type that its
 * own file uses is part of what that exports.
 */
export function deadExports(own: readonly Source[], everything: readonly Source[], entryPoints: ReadonlySet<string>): string[] {
  const paths = new Set(everything.map(({ path }) => path));
  const wanted = new Set(everything.flatMap((file) => [...wantedBy(file, paths)]));
  return own
    .filter(({ path }) => !entryPoints.has(path))
    .flatMap((file) => namesExportedBy(file).map((name) => `${file.path}: ${name}`))
    .filter((each) => !wanted.has(each) && !wanted.has(`${each.slice(0, each.indexOf(':'))}: *`));
}

function namesExportedBy({ tree, text }: Source): string[] {
  return tree.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) return statement.exportClause === undefined ? [] : namesIn(statement.exportClause, 'name');
    if (!ts.canHaveModifiers(statement) || !ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText(tree));
    const { name } = statement as ts.FunctionDeclaration | ts.InterfaceDeclaration | ts.ClassDeclaration;
    if (name === undefined) return [];
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    return isType && text.split(new RegExp(`\\b${name.text}\\b`)).length > 2 ? [] : [name.text];
  });
}

/** An `import()`, of a type or of all of a file. */
const inline = /\bimport\('(?<specifier>\.[^']+)'\)(?:\.(?<name>\w+))?/g;

/** `path: name` of each, or `path: *` where all of a file is taken. */
function* wantedBy({ path: from, text, tree }: Source, paths: ReadonlySet<string>): Generator<string> {
  const resolved = (specifier: string): string | undefined => {
    const path = posix.normalize(posix.join(posix.dirname(from), specifier));
    return specifier.startsWith('.') && paths.has(path) ? path : undefined;
  };
  for (const statement of tree.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    const { moduleSpecifier } = statement;
    const path = moduleSpecifier && ts.isStringLiteral(moduleSpecifier) ? resolved(moduleSpecifier.text) : undefined;
    if (path === undefined) continue;
    const names = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : (statement.exportClause ?? 'all');
    const wanted = names === undefined ? [] : names === 'all' ? ['*'] : namesIn(names, 'propertyName');
    for (const name of wanted) yield `${path}: ${name}`;
  }
  for (const { groups } of text.matchAll(inline)) {
    const path = resolved(groups?.['specifier'] ?? '');
    if (path !== undefined) yield `${path}: ${groups?.['name'] ?? '*'}`;
  }
}

/** Names between braces, as the file that is named calls them, or as this one does. */
function namesIn(clause: ts.NamedImportBindings | ts.NamedExportBindings, as: 'name' | 'propertyName'): string[] {
  if (ts.isNamespaceImport(clause) || ts.isNamespaceExport(clause)) return ['*'];
  return clause.elements.map((each) => ((as === 'propertyName' ? each.propertyName : undefined) ?? each.name).text);
}
