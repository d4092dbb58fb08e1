import { chat, embed, throughput } from './calls.ts';
import { failover } from './failover.ts';
import { circuit, engine, hang, three } from './lab.ts';
import type { Scenario } from './scenario.ts';
import { full, open, paced, ttft } from './streams.ts';

/** Shown as ratios to bare `fetch`, in the order of the table. The first text is also the warm-up of the streams that follow. */
export const besideFetch: readonly Scenario[] = [chat, throughput, ttft, embed, paced, full, open];
/** Shown as they are. */
export const servers: readonly Scenario[] = [failover];
export const ofRouters: readonly Scenario[] = [three, circuit, hang, engine];

export const scenarios: readonly Scenario[] = [...besideFetch, ...servers, ...ofRouters];
