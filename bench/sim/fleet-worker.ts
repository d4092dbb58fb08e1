import { parentPort, workerData } from 'node:worker_threads';
import { fleetRun, type FleetTask } from './fleet.ts';

parentPort?.postMessage(await fleetRun(workerData as FleetTask), []);
