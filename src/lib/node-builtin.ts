/**
 * Asked for when it is needed, and not imported: whatever bundles the package for other platforms finds nothing of Node in it.
 * @throws {TypeError} where there is no such module
 */
export function builtin<Module>(name: string): Module {
  const found: unknown = globalThis.process?.getBuiltinModule?.(name);
  if (found === undefined) throw new TypeError(`There is no ${name} here; use ofetchTransport() instead.`);
  return found as Module;
}

/** Bun, Deno and Workers have parts of Node's API as well, and name themselves here. */
export function isNode(): boolean {
  return globalThis.navigator?.userAgent?.startsWith('Node.js/') === true && typeof process.getBuiltinModule === 'function';
}
