/** What happened, line by line, and the same for the same seed: random identifiers become numbers in the order they appear. */
export interface EventsLog {
  readonly lines: readonly string[];
  add(atMs: number, name: string, payload: unknown): void;
}

const identifier = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export function createEventsLog(): EventsLog {
  const lines: string[] = [];
  const numbers = new Map<string, number>();
  const numbered = (id: string): string => {
    const known = numbers.get(id) ?? numbers.size;
    numbers.set(id, known);
    return `#${known}`;
  };
  return {
    lines,
    add(atMs, name, payload) {
      const shown = JSON.stringify(payload, (_, value: unknown) => (value instanceof Error ? `${value.name}: ${value.message}` : value));
      lines.push(`${(atMs - 1_000_000).toFixed(3)} ${name} ${(shown ?? '').replace(identifier, numbered)}`);
    },
  };
}
