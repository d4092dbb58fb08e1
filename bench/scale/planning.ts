import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cores } from '../http/processes.ts';
import type { CallCosts, PlanCost, PlanningRun } from './figures.ts';
import type { PlanningQuestion } from './planning-run.ts';
import { startOn } from './start.ts';

/** Chats through whole routers, and beside them what bench/planning.ts says of their plans alone. */
export async function measurePlanning(question: PlanningQuestion): Promise<PlanningRun> {
  const plans = await plansAlone();
  await using program = await startOn<PlanningQuestion, CallCosts>('./planning-run.ts', cores.measured);
  return { ...question, costs: await program.ask(question), plans };
}

/** `providers  balance  median  fastest  slowest  ≤ goal` */
const row = /^ *(\d+) +([\w-]+) +([\d.]+) +[\d.]+ +[\d.]+ +≤ (\d+)/gm;

async function plansAlone(): Promise<PlanCost[]> {
  const file = new URL('../planning.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [file, '--rounds', '21']);
  const plans = [...stdout.matchAll(row)].map(([, providers, balance = '', median, goal]) => ({
    providers: Number(providers),
    balance,
    medianMicros: Number(median),
    goalMicros: Number(goal),
  }));
  if (plans.length === 0) throw new Error('bench/planning.ts says nothing that could be read.');
  return plans;
}
