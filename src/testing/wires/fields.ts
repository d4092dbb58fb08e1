// What is read of the bodies of requests.

export type Fields = Readonly<Record<string, unknown>>;

/** Of what is no object: none. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** Texts of a request, which servers take as one text or as a list. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The field, where it is a text. */
export function textIn(body: unknown, field: string): string | undefined {
  const text = fieldsOf(body)[field];
  return typeof text === 'string' ? text : undefined;
}
