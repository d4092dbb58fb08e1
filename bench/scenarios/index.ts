import { chat, embed, throughput } from './calls.ts';
import type { Scenario } from './scenario.ts';
import { full, open, paced, ttft } from './streams.ts';

/** In the order of the tables. */
export const scenarios: readonly Scenario[] = [chat, throughput, paced, full, ttft, open, embed];
