import ts from 'typescript';

/** A test, or a group of tests, with the groups around it, outermost first. */
export type TitlePath = readonly string[];

export interface TestFile {
  readonly titles: readonly TitlePath[];
  /** Every text and number that the file writes down: the cases of its lists are among them. */
  readonly literals: ReadonlySet<string>;
}

const starters = new Set(['test', 'it', 'describe']);

/** Titles as they stand in the source: those of a list of cases with their `%s`. Tests that are skipped are none. */
export function testFileOf(source: string): TestFile {
  const file = ts.createSourceFile('a.test.ts', source, ts.ScriptTarget.Latest, true);
  const titles: TitlePath[] = [];
  const literals = new Set<string>();
  const visit = (node: ts.Node, path: TitlePath): void => {
    if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) literals.add(node.text);
    if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) literals.add(node.name.text);
    const title = ts.isCallExpression(node) ? titleOf(node) : undefined;
    const inner = title === undefined ? path : [...path, title];
    if (title !== undefined) titles.push(inner);
    ts.forEachChild(node, (child) => {
      // A title is no case of another one.
      if (title === undefined || !ts.isCallExpression(node) || child !== node.arguments[0]) visit(child, inner);
    });
  };
  visit(file, []);
  return { titles, literals };
}

function titleOf({ expression, arguments: [first, ...rest] }: ts.CallExpression): string | undefined {
  if (first === undefined || rest.length === 0 || !startsTest(expression)) return undefined;
  if (ts.isStringLiteralLike(first)) return first.text;
  if (!ts.isTemplateExpression(first)) return undefined;
  return first.head.text + first.templateSpans.map(({ literal }) => `%s${literal.text}`).join('');
}

/** `test`, `test.only`, `test.each(cases)`; not `test.skip` and `test.todo`. */
function startsTest(expression: ts.Expression): boolean {
  if (ts.isIdentifier(expression)) return starters.has(expression.text);
  if (ts.isCallExpression(expression)) return startsTest(expression.expression);
  if (!ts.isPropertyAccessExpression(expression)) return false;
  return !['skip', 'todo'].includes(expression.name.text) && startsTest(expression.expression);
}

/**
 * The tests that a title means: of the path's last parts, each as it stands or with one of its cases, whose words the file must write down.
 * `*` means all of them.
 */
export function matchesOf({ titles, literals }: TestFile, wanted: string): readonly TitlePath[] {
  if (wanted === '*') return titles.slice(0, 1);
  const parts = wanted.split(' › ');
  const found = titles.filter((path) => isWithin(path, parts, literals));
  const exact = found.filter((path) => path.at(-1) === parts.at(-1));
  return exact.length > 0 ? exact : found;
}

/** The last part is the title; those before it are groups around it, in order, of which some may be left out. */
function isWithin(path: TitlePath, parts: readonly string[], literals: ReadonlySet<string>): boolean {
  if (!means(path.at(-1) ?? '', parts.at(-1) ?? '', literals)) return false;
  const groups = path.slice(0, -1);
  return parts.slice(0, -1).every((part) => {
    const at = groups.findIndex((group) => means(group, part, literals));
    groups.splice(0, at + 1);
    return at >= 0;
  });
}

const holes = /%[sdifjo]|\$\w+/;

function means(title: string, wanted: string, literals: ReadonlySet<string>): boolean {
  if (title === wanted) return true;
  if (!holes.test(title)) return false;
  const pattern = title.split(new RegExp(holes, 'g')).map(escaped).join('(.+)');
  const found = new RegExp(`^${pattern}$`, 's').exec(wanted);
  return found !== null && found.slice(1).every((word) => literals.has(word));
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
