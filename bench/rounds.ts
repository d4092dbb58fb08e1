/** One way of doing the same thing. */
export interface Contender {
  readonly name: string;
  run(): Promise<void>;
}

export interface Result {
  readonly name: string;
  /** CPU time of this process per call, in microseconds: one value per round. */
  readonly cpuMicros: readonly number[];
}

/** Lets the contenders take turns, so that whatever else the machine does meets all of them alike. */
export async function compare(contenders: readonly Contender[], rounds: number, calls: number, atOnce: number): Promise<readonly Result[]> {
  for (const { run } of contenders) await repeat(run, calls, atOnce);
  const values = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      // The order rotates: nobody always follows the same one.
      const index = (round + turn) % contenders.length;
      const before = process.cpuUsage();
      await repeat((contenders[index] as Contender).run, calls, atOnce);
      const { user, system } = process.cpuUsage(before);
      (values[index] as number[]).push((user + system) / calls);
    }
  }
  return contenders.map(({ name }, index) => ({ name, cpuMicros: values[index] as number[] }));
}

async function repeat(run: () => Promise<void>, calls: number, atOnce: number): Promise<void> {
  let left = calls;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The median over rounds of one contender's time by another's in the same round, with the lowest and the highest. */
export function ratio(of: Result, by: Result): string {
  const ratios = of.cpuMicros.map((value, round) => value / (by.cpuMicros[round] as number));
  const [middle, lowest, highest] = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((value) => value.toFixed(2));
  return `${middle} (${lowest} to ${highest})`;
}
