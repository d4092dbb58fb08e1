import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = new URL('../../', import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(name, root));

/**
 * What the compiler says of modules that are nowhere but here, each by its name: a list for each, in their order. `packages`: names that
 * they import, and the sources that stand for them, from `src/`.
 */
export function errorsIn(
  modules: Readonly<Record<string, string>>,
  packages: Readonly<Record<string, string>>,
): readonly (readonly string[])[] {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
    paths: Object.fromEntries(Object.entries(packages).map(([name, path]) => [name, [pathOf(`src/${path}`)]])),
  };
  const codes = new Map(Object.entries(modules).map(([name, code]) => [pathOf(name), code]));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (path) => codes.has(path) || fileExists(path);
  host.readFile = (path) => codes.get(path) ?? readFile(path);
  host.getSourceFile = (path, target, ...rest) => {
    const code = codes.get(path);
    return code === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, code, target);
  };
  const program = ts.createProgram([...codes.keys()], options, host);
  return [...codes.keys()].map((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  );
}
