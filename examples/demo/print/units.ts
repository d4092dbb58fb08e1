export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} min`;
}
