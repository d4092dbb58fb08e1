// What the processes tell each other and what a run leaves behind.

/** What a client saw in one stretch of its run. Times in milliseconds. */
export interface Stretch {
  /** Between two tokens of a stream. */
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
  /** From the server's write to the reader of the stream. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  readonly received: number;
  /** Of its core. */
  readonly cpuShare: number;
}

/** What the server did meanwhile. */
export interface Sent {
  readonly sent: number;
  /** How much later than it was due a token was written. */
  readonly lateP99Ms: number;
  readonly cpuShare: number;
}

export interface Memory {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** Of all streams, to their ends. */
export interface Whole {
  readonly received: number;
  readonly troubles: readonly string[];
}

export interface SubjectFigures {
  readonly name: string;
  readonly given: string;
  readonly openedInMs: number;
  readonly stretches: readonly (Stretch & { readonly server: Sent })[];
  /** Before the first stream, and after each stretch. */
  readonly memory: readonly Memory[];
  readonly whole: Whole;
  readonly sent: number;
}

export interface StreamsRun {
  readonly asked: number;
  readonly streams: number;
  /** Of open files, for one process. */
  readonly hardLimit: number;
  readonly askedPeriodMs: number;
  readonly periodMs: number;
  /** Each pace that was tried and not kept, with the reason. */
  readonly tooFast: readonly string[];
  readonly stretchSeconds: number;
  readonly subjects: readonly SubjectFigures[];
}

/** CPU time per call in microseconds: one value for each round, by the name of the case. */
export type CallCosts = Readonly<Record<string, readonly number[]>>;

/** One row of what bench/planning.ts prints. */
export interface PlanCost {
  readonly providers: number;
  readonly balance: string;
  readonly medianMicros: number;
  readonly goalMicros: number;
}

export interface PlanningRun {
  readonly rounds: number;
  readonly calls: number;
  readonly warmCalls: number;
  readonly costs: CallCosts;
  readonly plans: readonly PlanCost[];
}

/** All of one run, as `--json` writes it and the page is made of. */
export interface ScaleRun {
  readonly inferlane: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly isPinned: boolean;
  readonly seconds: number;
  /** Of one minute. */
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly streams: StreamsRun | undefined;
  readonly planning: PlanningRun | undefined;
  readonly troubles: readonly string[];
}

/** The value below which such a share of them lies. NaN of none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** 1 where every gap is the same. */
export const evenness = ({ gapP50Ms, gapP99Ms }: Stretch): number => gapP99Ms / gapP50Ms;

/** In percent, from the first to the last. */
export const growthOf = (values: readonly number[]): number => ((values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN) - 1) * 100;
