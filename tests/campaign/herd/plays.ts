import { breakerIs, crowd, gather, openStage, openUntil, type Outcome, saysLater, type Setting, type Stage, tripAndWait } from './stage.ts';

/** What the herds of one play showed. Lists hold one number for each herd. */
export interface Shown {
  readonly probes: number[];
  /** Callers beside the probe that had got nothing while it was out. */
  readonly waited: number[];
  /** Of those who should have been answered by the other provider, or told to come later, the ones that were not. */
  unserved: number;
  /** Calls at once that the backend got, step by step after the recovery. */
  readonly ramps: string[];
  readonly hanging: number[];
  readonly afterLost: number[];
  readonly afterAbort: number[];
  readonly afterFailure: number[];
  lateVerdicts: number;
  abortsCounted: number;
  probeCallersLost: number;
  openTimesNotGrown: number;
}

export function nothingShown(): Shown {
  const lists = { probes: [], waited: [], ramps: [], hanging: [], afterLost: [], afterAbort: [], afterFailure: [] };
  return { ...lists, unserved: 0, lateVerdicts: 0, abortsCounted: 0, probeCallersLost: 0, openTimesNotGrown: 0 };
}

type Play = (setting: Setting, shown: Shown) => Promise<void>;

export const plays: readonly Play[] = [recovers, fails, hangs, isLost, isAborted];

/** Sends a crowd at a half-open breaker and books what became of those who are not the probe. */
async function herd(stage: Stage, shown: Shown, hasSpare: boolean): Promise<Outcome[]> {
  const { main } = stage;
  const before = main.entered();
  const outcomes = await gather(stage);
  const probes = main.entered() - before;
  shown.probes.push(probes);
  shown.waited.push(outcomes.filter(({ settledAtMs }) => settledAtMs === undefined).length - probes);
  const others = outcomes.filter(({ settledAtMs }) => settledAtMs !== undefined);
  shown.unserved += others.filter((outcome) => (hasSpare ? outcome.provider !== 'spare' : !saysLater(outcome))).length;
  return outcomes;
}

/** The probe comes back well. Then calls are let in 1, 2, 4 and 8 at once, and after that all of them. */
async function recovers(setting: Setting, shown: Shown): Promise<void> {
  const stage = openStage(setting, true);
  const { main, clock } = stage;
  await tripAndWait(stage);
  main.does = 'hold';
  const outcomes = await herd(stage, shown, true);
  main.letGo(1);
  await clock.settle();
  if (outcomes.filter(({ provider }) => provider === 'main').length !== 1) shown.probeCallersLost += 1;
  const steps: number[] = [];
  for (let step = 0; step < 5; step++) {
    await gather(stage);
    steps.push(main.held());
    main.letGo(1);
    await clock.settle();
  }
  // All callers of the last crowd, beside those that were still held.
  shown.ramps.push(steps.map((held) => (held >= crowd ? 'all' : String(held))).join(', '));
  main.letGo(crowd * 2);
  await clock.settle();
}

/** The probe fails, and there is nobody else: one more crowd is turned away, and the next probe comes after twice the time. */
async function fails(setting: Setting, shown: Shown): Promise<void> {
  const stage = openStage(setting, false);
  const { main, clock } = stage;
  await tripAndWait(stage);
  main.does = setting.fault;
  const before = main.entered();
  const failed = await gather(stage, 1, { maxAttempts: 1 });
  if (failed[0]?.error === undefined) shown.probeCallersLost += 1;
  const openMs = (openUntil(stage.router) ?? 0) - clock.nowMs();
  // Twice 30 s, shortened or stretched by a fifth at most.
  if (openMs < 48_000 || openMs > 72_000) shown.openTimesNotGrown += 1;
  const turnedAway = await gather(stage);
  shown.unserved += turnedAway.filter((outcome) => !saysLater(outcome)).length;
  shown.afterFailure.push(main.entered() - before - 1);
  await clock.advance(openMs);
  main.does = 'hold';
  await herd(stage, shown, false);
  main.letGo(1);
  await clock.settle();
}

/** The probe hangs until the limit of its attempt. Its own caller is then served by the other provider. */
async function hangs(setting: Setting, shown: Shown): Promise<void> {
  const stage = openStage(setting, true, false);
  const { main, clock } = stage;
  await tripAndWait(stage);
  main.does = 'hold';
  const outcomes = await herd(stage, shown, true);
  const before = main.entered();
  await clock.advance(5_000);
  await gather(stage);
  shown.hanging.push(main.entered() - before);
  await clock.advance(120_000);
  const isServed = outcomes.every(({ provider }) => provider === 'spare');
  if (!isServed) shown.probeCallersLost += 1;
}

/** The probe is lost with its timers: its lease runs out, the next crowd sends one more, and what the first one still says is void. */
async function isLost(setting: Setting, shown: Shown): Promise<void> {
  const stage = openStage(setting, true, false);
  const { main, clock } = stage;
  await tripAndWait(stage);
  main.does = 'hold';
  stage.loseTimers(true);
  await gather(stage, 1);
  stage.loseTimers(false);
  // Half of the deadline and a second on top for a chat, the whole of it for a stream: then nobody waits for the probe any more.
  await clock.advance(setting.verb === 'chat' ? 61_000 : 121_000);
  const before = main.entered();
  await gather(stage);
  shown.afterLost.push(main.entered() - before);
  main.letGo(1);
  await clock.settle();
  if (breakerIs(stage) !== 'half-open') shown.lateVerdicts += 1;
  main.letGo(1);
  await clock.settle();
  if (breakerIs(stage) !== 'closed') shown.lateVerdicts += 1;
}

/** The caller of the probe leaves: no verdict, and the next crowd sends one. */
async function isAborted(setting: Setting, shown: Shown): Promise<void> {
  const stage = openStage(setting, true);
  const { main, clock, router } = stage;
  await tripAndWait(stage);
  main.does = 'hold';
  const failures = router.snapshot().providers[0]?.failures;
  const controller = new AbortController();
  const [probe] = await gather(stage, 1, { signal: controller.signal });
  await gather(stage);
  controller.abort('gone');
  await clock.settle();
  const isUncounted = router.snapshot().providers[0]?.failures === failures && breakerIs(stage) === 'half-open';
  if (!isUncounted || probe?.error !== 'gone') shown.abortsCounted += 1;
  const before = main.entered();
  await herd(stage, shown, true);
  shown.afterAbort.push(main.entered() - before);
  main.letGo(1);
  await clock.settle();
}
