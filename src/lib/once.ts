/** Makes a value when it is first asked for, and keeps it. One that is undefined is made again. */
export function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}
