// Writes the table of imports into docs/internals/architecture.md, from the one that tests/architecture.test.ts holds the sources to.
import { readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { table } from './markdown-table.ts';

export const architecturePage: URL = new URL('../docs/internals/architecture.md', import.meta.url);

const opening = '<!-- written by scripts/write-internals.ts -->';
const closing = '<!-- until here -->';
const part = new RegExp(`${opening}[^]*?${closing}`);

/** The page with the table as it is now. Throws where the marks are not there. */
export function withImports(page: string): string {
  if (!part.test(page)) throw new Error(`docs/internals/architecture.md: "${opening}" and "${closing}" must stand there.`);
  return page.replace(part, () => `${opening}\n\n${importTable()}\n${closing}`);
}

function importTable(): string {
  const path = new URL('../tests/architecture.test.ts', import.meta.url);
  const file = ts.createSourceFile('architecture.test.ts', readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const rows = propertiesOf(valueOf('FOLDERS', file)).map(({ name, initializer }) => {
    const fields = new Map(propertiesOf(initializer).map((each) => [each.name.getText(file), each.initializer]));
    return [`\`${name.getText(file).replaceAll("'", '')}\``, allowed(fields.get('values'), file), allowed(fields.get('types'), file)];
  });
  return table(['Folder', 'Imports, beside its own files', 'Of these the types alone'], rows);
}

function valueOf(name: string, file: ts.SourceFile): ts.Expression {
  const declarations = file.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => [...declarationList.declarations]);
  const found = declarations.find((each) => each.name.getText(file) === name)?.initializer;
  if (found === undefined) throw new Error(`tests/architecture.test.ts has no ${name}.`);
  return found;
}

function propertiesOf(value: ts.Expression): readonly ts.PropertyAssignment[] {
  if (!ts.isObjectLiteralExpression(value)) throw new Error('tests/architecture.test.ts: the table is no object.');
  return value.properties.filter(ts.isPropertyAssignment);
}

/** A list of patterns; by a name, the list of that name. */
function allowed(value: ts.Expression | undefined, file: ts.SourceFile): string {
  if (value === undefined) return '';
  if (ts.isIdentifier(value)) return 'the entry points';
  if (!ts.isArrayLiteralExpression(value)) throw new Error(`tests/architecture.test.ts: ${value.getText(file)} is no list.`);
  return value.elements.map((element) => `\`${element.getText(file).replaceAll("'", '')}\``).join(', ');
}

if (import.meta.main) writeFileSync(architecturePage, withImports(readFileSync(architecturePage, 'utf8')));
