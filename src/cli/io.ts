import type { Clock } from '../index.ts';

/** Where text goes. */
export interface Outgoing {
  /** Somebody looks at it: colours, progress and notes make sense. */
  readonly isTerminal: boolean;
  /** Its width in characters; undefined where it has none. */
  readonly columns: number | undefined;
  /** Resolves when there is room for more, or the command is told to end, or nobody reads any longer. Never rejects. */
  write(text: string): Promise<void>;
}

interface Incoming {
  readonly isTerminal: boolean;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** Where a server may listen that nobody configured. */
export interface Place {
  readonly url: string;
  /** An Ollama there is the second one of a machine, which people start for the processor. */
  readonly isCpuTwin?: true;
}

/** Everything that a command touches of the process it runs in. */
export interface CliIo {
  readonly stdin: Incoming;
  readonly stdout: Outgoing;
  readonly stderr: Outgoing;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly folder: string;
  readonly clock: Clock;
  /** Aborts for SIGINT and the like, with a `Stop` as its reason. */
  readonly signal: AbortSignal;
  /** Where to look for servers. Default: the usual ports of this machine. */
  readonly places?: readonly Place[] | undefined;
}

/** Why a command ends before its time, and with which code. */
export class Stop extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
