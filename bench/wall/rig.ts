import { setTimeout as sleep } from 'node:timers/promises';
import type { Candidate, Client } from './candidate.ts';
import { type Case, cases, type Form } from './cases.ts';
import { judge, type Judgement, type Outcome } from './judge.ts';
import { openWorld, type Stage, type World } from './stage.ts';

export interface CellResult extends Judgement {
  readonly id: string;
  readonly form: Form;
  readonly survived: boolean;
  readonly ms: number;
}

export interface RigOptions {
  readonly patienceMs: number;
  /** Cells that run at once; most of them only wait. */
  readonly atOnce: number;
  /** All that was printed so far. */
  readonly output: () => string;
}

const leaveTimes = 5;
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Every case in every form that it has, against one candidate. */
export async function runWall(candidate: Candidate, options: RigOptions): Promise<CellResult[]> {
  await using world = openWorld();
  const cells = cases.flatMap((each) => each.forms.map((form) => ({ each, form })));
  const results: CellResult[] = [];
  const run = async ({ each, form }: { each: Case; form: Form }): Promise<void> => {
    results.push(await runCell(each, form, candidate, world, options));
  };
  const crowd = cells.filter(({ each }) => !each.alone);
  const worker = async (): Promise<void> => {
    for (let next = crowd.shift(); next !== undefined; next = crowd.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  for (const cell of cells.filter(({ each }) => each.alone)) await run(cell);
  return results;
}

let cellCount = 0;

async function runCell(each: Case, form: Form, candidate: Candidate, world: World, options: RigOptions): Promise<CellResult> {
  const stage = await world.open(each.id);
  const mark = `${++cellCount}-${form}-q7x2`;
  // In no shape that is known for keys: what hides them has to know these ones.
  const keys = [`wall-first-${mark}`, `wall-second-${mark}`] as const;
  const prompt = `canary-prompt-${mark}`;
  const clients: Client[] = [];
  const open = (): Client => {
    const [first, second] = [
      { url: stage.urls.first, apiKey: keys[0] },
      { url: stage.urls.second, apiKey: keys[1] },
    ] as const;
    const client = candidate.open({ first, second, model: 'wall', patienceMs: options.patienceMs });
    clients.push(client);
    return client;
  };
  const before = options.output().length;
  const leftMs: number[] = [];
  const startMs = performance.now();
  try {
    const outcomes = await play(each, form, { open, stage, prompt, options, leftMs });
    const ms = performance.now() - startMs;
    // What is printed late, or arrives late at a stranger, counts as well.
    await sleep(30);
    const output = options.output().slice(before);
    const judged = judge(each, form, { outcomes, report: await stage.report(), keys, prompt, output, leftMs });
    return { id: each.id, form, ...judged, survived: each.expected.includes(judged.verdict), ms: Math.round(ms) };
  } finally {
    await Promise.race([Promise.allSettled(clients.map((client) => client.close())), sleep(1_000)]);
    await stage.close();
  }
}

interface Scene {
  /** A new client of the candidate, configured for this stage. */
  readonly open: () => Client;
  readonly stage: Stage;
  readonly prompt: string;
  readonly options: RigOptions;
  readonly leftMs: number[];
}

async function play(each: Case, form: Form, scene: Scene): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  if (each.kind === 'abort' || each.kind === 'leave') {
    // A client of its own for each: what one learns from a call that was left is another matter.
    for (let turn = 0; turn < leaveTimes; turn++) outcomes.push(await leave(each, form, scene.open(), scene));
    return outcomes;
  }
  const client = scene.open();
  while (outcomes.length < each.calls && outcomes.every(({ end }) => end === 'well')) outcomes.push(await ask(form, client, scene));
  return outcomes;
}

/** One call that nobody disturbs, until the patience is over. */
async function ask(form: Form, client: Client, { prompt, options }: Scene): Promise<Outcome> {
  const controller = new AbortController();
  const outcome = await settle(read(client, form, prompt, controller.signal), options.patienceMs + 1_000);
  if (outcome.end === 'pending') controller.abort();
  return outcome;
}

/** One call that the caller leaves: by its signal, or by `break`. `ms` counts from then on. */
async function leave(each: Case, form: Form, client: Client, { stage, prompt, leftMs }: Scene): Promise<Outcome> {
  const controller = new AbortController();
  const earlier = (await stage.report()).asked.first.length;
  const isReading = each.id !== 'abort-waiting';
  const go = (): void => {
    leftMs.push(nowMs());
    if (each.kind === 'abort') controller.abort();
  };
  const call = read(client, form, prompt, controller.signal, (pieces) => {
    if (!isReading || pieces !== 3) return false;
    go();
    return each.kind === 'leave';
  });
  if (isReading) await untilLeft(leftMs, leftMs.length + 1);
  else {
    for (let waited = 0; waited < 2_000 && (await stage.report()).asked.first.length === earlier; waited += 5) await sleep(5);
    await sleep(50);
    go();
  }
  const outcome = await settle(call, 1_500);
  await untilClosed(stage, earlier);
  return outcome;
}

/** The server has to see it within 50 ms; whether it sees it at all is watched a little longer. */
async function untilClosed(stage: Stage, index: number): Promise<void> {
  for (let waited = 0; waited < 250; waited += 10) {
    await sleep(10);
    if ((await stage.report()).asked.first[index]?.closedMs !== undefined) return;
  }
}

async function untilLeft(leftMs: readonly number[], count: number): Promise<void> {
  for (let waited = 0; leftMs.length < count && waited < 5_000; waited += 5) await sleep(5);
}

interface Reading {
  readonly text: () => string;
  readonly done: Promise<void>;
}

/** `onPiece` is told how many pieces came so far, and ends the loop with true. */
function read(client: Client, form: Form, prompt: string, signal: AbortSignal, onPiece?: (count: number) => boolean): Reading {
  let text = '';
  const run = async (): Promise<void> => {
    if (form === 'chat') {
      text = await client.chat(prompt, signal);
      return;
    }
    let count = 0;
    for await (const piece of client.stream(prompt, signal)) {
      text += piece;
      if (onPiece?.(++count) === true) break;
    }
  };
  const done = run();
  // It may fail before anybody waits for it.
  done.catch(() => undefined);
  return { text: () => text, done };
}

async function settle({ text, done }: Reading, limitMs: number): Promise<Outcome> {
  const startMs = performance.now();
  const timer = new AbortController();
  const outcome = (end: Outcome['end'], error?: unknown): Outcome => ({ end, error, text: text(), ms: performance.now() - startMs });
  const settled = done.then(
    () => outcome('well'),
    (error: unknown) => outcome('error', error),
  );
  const late = sleep(limitMs, undefined, { signal: timer.signal }).then(
    () => outcome('pending'),
    () => outcome('pending'),
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    timer.abort();
  }
}
