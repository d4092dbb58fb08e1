/** Is it a promise, of whatever library? Without a look at what its `then` is, which may run code of others. */
export function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}
