import { availableParallelism } from 'node:os';
import manifest from '../../../package.json' with { type: 'json' };
import type { Figure } from './job.ts';

/** What all reports of one run of the campaign have in common. No two runs have the same. */
export interface RunIdentity {
  /** As an ISO date, to the millisecond. */
  readonly startedAt: string;
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly cores: number;
  readonly seed: number;
  readonly size: string;
}

/** What a job leaves behind as JSON. */
export interface Written {
  readonly name: string;
  readonly about: string;
  readonly size: string;
  readonly seed: number;
  readonly seconds: number;
  readonly expected: readonly string[];
  readonly figures: readonly Figure[];
  readonly remarks?: readonly string[];
  /** Absent where the job was run by itself. */
  readonly run?: RunIdentity;
}

export function newRun(seed: number, size: string): RunIdentity {
  return {
    startedAt: new Date().toISOString(),
    version: manifest.version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    seed,
    size,
  };
}

export function shownRun({ startedAt, version, node, platform, cores, seed, size }: RunIdentity): string {
  return `inferlane ${version}, Node ${node}, ${platform}, ${cores} cores, begun ${startedAt}, seed ${seed}, ${size}`;
}
