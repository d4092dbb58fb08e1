import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** Every name that a file below `src/` exports, types included, as the compiler sees them. */
export function exportedNames(path: string): readonly string[] {
  const entry = fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
  const program = ts.createProgram([entry], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(entry);
  const symbol = file && checker.getSymbolAtLocation(file);
  if (symbol === undefined) throw new Error(`src/${path} exports nothing`);
  return checker.getExportsOfModule(symbol).map(({ name }) => name);
}
