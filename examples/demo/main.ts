// npm run demo: a GPU runs out of memory, a process is killed, and the caller sees answers only.
// No server, no key, no download. What is real and what is played stands in the first scene and in ../README.md.
import { whatWentWrong } from './mishap.ts';
import { narrate } from './narrator.ts';
import { print } from './print/lines.ts';
import { paint } from './print/paint.ts';
import { createDemoRouter } from './router.ts';
import { embedTexts } from './scenes/embeddings.ts';
import { showHealth } from './scenes/health.ts';
import { killBeforeCommit } from './scenes/kill.ts';
import { goStraightToCpu } from './scenes/next-call.ts';
import { runOutOfMemory } from './scenes/out-of-memory.ts';
import { showPlan } from './scenes/plan.ts';
import { showProviders } from './scenes/providers.ts';
import { sumUp } from './scenes/sum.ts';
import { setStage } from './stage.ts';
import { countEvents } from './tally.ts';

async function demo(): Promise<void> {
  print(`${paint('bold', 'inferlane: one client for many inference providers.')} No server, no key, no download.`);
  await using stage = await setStage();
  await using router = createDemoRouter(stage);
  narrate(router);
  const tally = countEvents(router);
  showProviders(stage);
  showPlan(router);
  await runOutOfMemory(router);
  await goStraightToCpu(router);
  await killBeforeCommit(router, stage.cpuBox);
  await embedTexts(router);
  await showHealth(router);
  sumUp(tally);
}

try {
  await demo();
} catch (error) {
  console.error(whatWentWrong(error));
  process.exitCode = 1;
}
