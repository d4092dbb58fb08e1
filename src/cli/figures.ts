const units: readonly (readonly [string, number])[] = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** To two or three figures, in the unit that a person would choose. */
export function duration(ms: number): string {
  const [unit, size] = units.find(([, each]) => ms >= each) ?? ['ms', 1];
  return `${rounded(ms / size, ms / size >= 10 || (unit === 'ms' && ms >= 1))} ${unit}`;
}

export function bytes(count: number): string {
  const size = count >= 1e9 ? 1e9 : 1e6;
  return `${rounded(count / size)} ${size === 1e9 ? 'GB' : 'MB'}`;
}

export function rounded(value: number, isWhole: boolean = value >= 10): string {
  return String(isWhole ? Math.round(value) : Math.round(value * 10) / 10);
}

/** `3 providers`, `1 provider`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `a, b and c` */
export function listed(names: readonly string[], last: 'and' | 'or' = 'and'): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`;
}
