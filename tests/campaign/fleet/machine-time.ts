/** Milliseconds on the one clock that all processes of a machine have in common; no setting of the time of day moves it. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
