// How times and figures read. Pure.

const dayMs = 86_400_000;
const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});

/** `14:03:22`; with the day where it is not within half a day of now. */
export function clockTime(atMs: number, nowMs: number): string {
  return (Math.abs(atMs - nowMs) < dayMs / 2 ? timeOfDay : dayAndTime).format(atMs);
}

/** `in 42 s`, `12 s ago`, `now`. */
export function relativeTime(atMs: number, nowMs: number): string {
  const awayMs = atMs - nowMs;
  if (Math.abs(awayMs) < 1_000) return 'now';
  return awayMs > 0 ? `in ${span(awayMs)}` : `${span(-awayMs)} ago`;
}

const units: readonly (readonly [string, number])[] = [
  ['d', dayMs],
  ['h', 3_600_000],
  ['min', 60_000],
];

/** `42 s`, `3 min`, `2 h 5 min`: never more than two parts, and no seconds beside minutes. */
function span(ms: number): string {
  const index = units.findIndex(([, size]) => ms >= size);
  const [unit, size] = units[index] ?? ['s', 1_000];
  const whole = Math.floor(ms / size);
  const [smaller, smallerSize] = units[index + 1] ?? ['', Infinity];
  const rest = index < 0 ? 0 : Math.floor((ms - whole * size) / smallerSize);
  return rest > 0 ? `${whole} ${unit} ${rest} ${smaller}` : `${whole} ${unit}`;
}

/** `340 ms`, `1.2 s`, `2.5 min`. */
export function duration(ms: number): string {
  if (ms < 0.5) return '0 ms';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const [value, unit] = ms < 60_000 ? [ms / 1_000, 's'] : [ms / 60_000, 'min'];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function figure(value: number): string {
  return grouped.format(value);
}

/** `1 call`, `2 calls`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${figure(count)} ${count === 1 ? one : many}`;
}

/** `4.7 GB`, in powers of 1000 as servers tell it. */
export function bytes(count: number): string {
  const [size, unit] = count >= 1e9 ? [1e9, 'GB'] : count >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
  return `${grouped.format(count / size)} ${unit}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
