import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The options of this repository, as its own check has them. */
function ownOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile) as { config: { compilerOptions: object } };
  return ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options;
}

export interface Compiled {
  /** What the compiler says of the files, each with its place. */
  readonly errors: readonly string[];
  /** Every name that a file below `src/` exports, types included. */
  exportsOf(source: string): readonly string[];
}

/** Compiles files below `tests/types/`. */
export function compile(names: readonly string[]): Compiled {
  const paths = names.map((name) => `${root}tests/types/${name}`);
  const program = ts.createProgram(paths, ownOptions());
  return {
    errors: paths.flatMap((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(toText)),
    exportsOf(source) {
      const file = program.getSourceFile(`${root}src/${source}`);
      const symbol = file && program.getTypeChecker().getSymbolAtLocation(file);
      if (symbol === undefined) throw new Error(`nothing below tests/types/ imports src/${source}`);
      return program
        .getTypeChecker()
        .getExportsOfModule(symbol)
        .map(({ name }) => name);
    },
  };
}

function toText({ file, start = 0, messageText }: ts.Diagnostic): string {
  const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
  return `${file?.fileName.slice(root.length)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
}

/** The names that a file below `tests/types/` imports from each file below `src/`; of a namespace, those that it uses. */
export function namesUsedIn(name: string): ReadonlyMap<string, readonly string[]> {
  const text = ts.sys.readFile(`${root}tests/types/${name}`) ?? '';
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
  const used = new Map<string, readonly string[]>();
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const path = statement.moduleSpecifier.text.replace('../../src/', '');
    const bindings = statement.importClause?.namedBindings;
    const names = bindings === undefined ? [] : ts.isNamespaceImport(bindings) ? membersOf(bindings.name.text, text) : namesOf(bindings);
    used.set(path, [...(used.get(path) ?? []), ...names]);
  }
  return used;
}

function namesOf({ elements }: ts.NamedImports): readonly string[] {
  return elements.map(({ name, propertyName }) => (propertyName ?? name).text);
}

function membersOf(namespace: string, text: string): readonly string[] {
  return [...text.matchAll(new RegExp(`\\b${namespace}\\.(\\w+)`, 'g'))].map(([, member]) => member as string);
}

const literal = String.raw`(?:"[^"]*"|\(string & \{\}\))`;
const union = new RegExp(`${literal}(?: \\| ${literal})+`, 'g');

/** The compiler names the members of a union in the order in which it met them, which any other file may change. */
export function withSortedUnions(text: string): string {
  return text.replaceAll(union, (members) => members.split(' | ').toSorted().join(' | '));
}

/** What an editor shows in a module: `at` is the text that the cursor stands before. */
export interface Editor {
  hover(at: string): string;
  /** The suggestions inside of the quotes that begin there. */
  suggestions(at: string): readonly string[];
}

/** An editor with the module open. It imports the package by its name, with no more than `strict`, as users do. */
export function editorOf(code: string): Editor {
  const path = `${root}tests/types/in-the-editor.ts`;
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    strict: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    paths: { inferlane: [`${root}src/index.ts`] },
  };
  const read = (name: string): string | undefined => (name === path ? code : ts.sys.readFile(name));
  const service = ts.createLanguageService({
    getScriptFileNames: () => [path],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => {
      const text = read(name);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCompilationSettings: () => options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    getCurrentDirectory: () => root,
    fileExists: (name) => name === path || ts.sys.fileExists(name),
    readFile: read,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  const placeOf = (at: string): number => {
    const place = code.indexOf(at);
    if (place === -1) throw new Error(`the module holds no ${at}`);
    return place;
  };
  return {
    hover: (at) => ts.displayPartsToString(service.getQuickInfoAtPosition(path, placeOf(at))?.displayParts),
    suggestions: (at) => service.getCompletionsAtPosition(path, placeOf(at) + 1, {})?.entries.map(({ name }) => name) ?? [],
  };
}
