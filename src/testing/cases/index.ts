import { abortCases } from './abort.ts';
import type { AdapterCase } from './case.ts';
import { chatCases } from './chat.ts';
import { concurrencyCases } from './concurrency.ts';
import { continuationCases } from './continuation.ts';
import { contractCases } from './contract.ts';
import { embedCases } from './embed.ts';
import { errorCases } from './errors.ts';
import { formatCases } from './formats.ts';
import { otherVerbCases } from './other-verbs.ts';
import { streamCases } from './stream.ts';
import { toolCases } from './tools.ts';

export { type BenchOptions, createBench } from './bench.ts';
export { type AdapterCase, type Bench, type Group, type Need, type Saying, skipReason } from './case.ts';

/** What every adapter must do, as data: any test runner can run it. A case needs a bench of its own. */
export const adapterCases: readonly AdapterCase[] = [
  ...contractCases,
  ...chatCases,
  ...streamCases,
  ...continuationCases,
  ...toolCases,
  ...formatCases,
  ...embedCases,
  ...errorCases,
  ...abortCases,
  ...concurrencyCases,
  ...otherVerbCases,
];
