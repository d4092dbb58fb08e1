// What the wires of servers with a protocol of their own have in common.

/** The wires know no time: every answer was made then. The same moment as `fakeCreated`. */
export const createdAt = '2026-02-02T02:40:00.000000Z';

/** What no JSON parser reads, wherever in a body it stands: a control character is an error even inside a text. */
export const unreadable = '\u0001{"garbage":';

/** Texts of a request, which servers take as one text or as a list. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** Without its query. */
export function pathOf(path: string): string {
  return path.split('?', 1)[0] ?? path;
}
