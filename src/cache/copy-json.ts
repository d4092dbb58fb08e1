/** A copy of what is made of JSON values, which nobody else holds: answers go to several callers, and each may do with his what he likes. */
export function copyJson<Value>(value: Value): Value {
  return copy(value) as Value;
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, copy(entry)]));
}
