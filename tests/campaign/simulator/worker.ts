import { parentPort, workerData } from 'node:worker_threads';
import { type Batch, runBatch } from './batch.ts';

// One thread of the long form: a batch comes in, its totals go out.
parentPort?.postMessage(await runBatch(workerData as Batch), []);
