// npm run demo: a GPU runs out of memory, a process is killed, and the caller sees answers only.
// No server, no key, no download. What is real and what is played stands in the first scene and in ../README.md.
import { equal, ok } from 'node:assert/strict';
import { statSync } from 'node:fs';
import { type ChatStream, createRouter, isRouterError, type RouteTrace, type Router, textOf } from '../../src/index.ts';
import { narrate, say, type Tally } from './narrator.ts';
import { indented, milliseconds, minutes, paint, print, table, title } from './print.ts';
import { answer, setStage, type Stage } from './stage.ts';

const messages = [{ role: 'user', content: 'Hello!' }] as const;

function createDemoRouter({ gpuUrl, cpuBox, cloudUrl, files }: Stage): Router {
  return createRouter({
    providers: {
      gpu: { type: 'ollama', url: gpuUrl },
      'cpu-box': { type: 'ollama', url: cpuBox.url, device: 'cpu' },
      cpu: { type: 'cpu', modelPath: files.chat, embeddingModelPath: files.encoder },
      cloud: { type: 'openai-compatible', url: cloudUrl, device: 'cloud', cost: 'paid' },
    },
    models: {
      tiny: { gpu: 'tiny:8b', cpu: 'tiny', cloud: 'tiny-large' },
      'tiny-batch': { 'cpu-box': 'tiny', cpu: 'tiny', gpu: 'tiny:8b' },
      'tiny-bert': { cpu: 'tiny-bert' },
    },
  });
}

async function demo(): Promise<void> {
  print(`${paint('bold', 'inferlane: one client for many inference providers.')} No server, no key, no download.`);
  await using stage = await setStage();
  await using router = createDemoRouter(stage);
  const tally = narrate(router);
  showProviders(stage);
  showPlan(router);
  await runOutOfMemory(router);
  await goStraightToCpu(router);
  await killBeforeCommit(router, stage);
  await embedTexts(router);
  await showHealth(router);
  close(tally);
}

function showProviders({ cpuBox, files }: Stage): void {
  title('1  Four providers');
  const kilobytes = Math.round(statSync(files.chat).size / 1_000);
  table([
    ['gpu', 'ollama', `played: says what Ollama says when a GPU's memory is full`],
    ['cpu-box', 'ollama', `real: process ${cpuBox.pid} infers and speaks Ollama's protocol`],
    ['cpu', 'cpu', `real: infers in this process, from a GGUF of ${kilobytes} kB made just now`],
    ['cloud', 'openai-compatible', 'played: costs money, which nobody allowed'],
  ]);
  indented(paint('dim', 'Real: routing, HTTP, inference, vectors, the kill. Played: what gpu and cloud say.'));
}

function showPlan(router: Router): void {
  title('2  The plan', `router.explain({ model: 'tiny', messages })`);
  const { candidates, skipped } = router.explain({ model: 'tiny', messages });
  table([
    ...candidates.map(({ provider, model = '', reason }, index) => [`${index + 1}.`, provider, model, reason]),
    ...skipped.map(({ provider, model = '', reason }) => ['-', provider, model, `skipped: ${reason}`]),
  ]);
}

async function runOutOfMemory(router: Router): Promise<void> {
  title('3  The GPU runs out of memory', `router.stream({ model: 'tiny', messages }, { intent: 'fast' })`);
  const stream = await router.stream({ model: 'tiny', messages }, { intent: 'fast' });
  equal(await printTokens(stream), answer, 'the CPU should have given the whole answer');
  printRoute(stream.route, 'a cold start');
  equal(stream.route.attempts[0]?.error?.code, 'out_of_memory', 'the GPU should have run out of memory');
}

async function goStraightToCpu(router: Router): Promise<void> {
  title('4  The next call does not try it again', `router.chat({ model: 'tiny', messages })`);
  const gpu = router.explain({ model: 'tiny', messages }).skipped.find(({ provider }) => provider === 'gpu');
  ok(gpu?.readyAtMs, 'the GPU should be pinned');
  say('plan', `- gpu  skipped: ${gpu.reason}; again in ${minutes(gpu.readyAtMs - router.snapshot().nowMs)}`);
  const { choices, route } = await router.chat({ model: 'tiny', messages });
  say('answer', paint('green', String(choices[0].message.content)));
  printRoute(route);
  equal(route.attempts.length, 1, 'the GPU should have been left out');
}

async function killBeforeCommit(router: Router, { cpuBox }: Stage): Promise<void> {
  title('5  Killed before it answers', `router.stream({ model: 'tiny-batch', messages }, { intent: 'heavy' })`);
  const request = { model: 'tiny-batch', messages };
  const { route } = await router.chat(request, { intent: 'heavy' });
  printRoute(route);
  equal(route.provider, 'cpu-box', 'cpu-box should have answered while it lived');

  cpuBox.killAtFirstToken(() => {
    say('SIGKILL', paint('red', `✗ process ${cpuBox.pid} had accepted the call and held its first token`));
  });
  const stream = await router.stream(request, { intent: 'heavy' });
  equal(await printTokens(stream), answer, 'the caller should have got one whole answer');
  printRoute(stream.route);
  equal(stream.route.attempts.length, 2, 'the killed process should have been tried first');
}

async function embedTexts(router: Router): Promise<void> {
  title('6  Embeddings', `router.embed({ model: 'tiny-bert', input })`);
  const input = ['the cat is in the sun', 'a cat in the sun', 'good night king'] as const;
  const { data, route } = await router.embed({ model: 'tiny-bert', input });
  const [first = [], second = [], third = []] = data.map(({ embedding }) => embedding);
  const [near, far] = [dot(first, second), dot(first, third)];
  say('vectors', `${data.length} of ${first.length} numbers, from ${route.provider}`);
  say('similarity', `${near.toFixed(2)}  "${input[0]}" and "${input[1]}"`);
  say('similarity', `${far.toFixed(2)}  "${input[0]}" and "${input[2]}"`);
  ok(near > far, 'texts that share words should be nearer');
}

async function showHealth(router: Router): Promise<void> {
  title('7  How they are now', 'router.health()');
  const { providers } = await router.health();
  const pinned = new Map(
    router.snapshot().providers.map(({ provider, models }) => [provider, models.filter((model) => model.pinnedUntilMs)]),
  );
  const rows = providers.map(({ provider, type, device, status, latencyMs, models = [], error }) => {
    const note = (id: string): string => (pinned.get(provider)?.some(({ model }) => model === id) ? `${id} (pinned)` : id);
    return [provider, type, device, status, milliseconds(latencyMs ?? 0), error?.code ?? models.map(({ id }) => note(id)).join(', ')];
  });
  table([['provider', 'type', 'device', 'status', 'latency', 'models'], ...rows], ([provider, , , status]) =>
    provider === 'provider' ? 'dim' : status === 'ok' ? undefined : 'red',
  );
  equal(providers.find(({ provider }) => provider === 'cpu-box')?.status, 'down', 'the killed process should be down');
}

function close({ calls, attempts, failovers, pins, errors, asked }: Tally): void {
  print();
  print(
    paint('bold', `${calls} calls, ${attempts} attempts, ${failovers} failovers, ${pins} pin, ${asked['cloud'] ?? 0} paid calls; `) +
      paint('green', `${errors} errors seen by the caller.`),
  );
  print('Read on in README.md; this script is examples/demo/main.ts.');
  equal(errors, 0, 'no call should have failed');
}

/** Writes the pieces as they come, and gives back the whole. */
async function printTokens(stream: ChatStream): Promise<string> {
  let text = '';
  process.stdout.write(`   ${paint('dim', 'tokens'.padEnd(15))}`);
  for await (const piece of textOf(stream)) {
    process.stdout.write(paint('green', piece));
    text += piece;
  }
  print();
  return text;
}

function printRoute({ provider, model, attempts }: RouteTrace, note = ''): void {
  const last = attempts.at(-1);
  const first = last?.firstContentMs === undefined ? '' : `first token after ${milliseconds(last.firstContentMs)}, `;
  const total = last === undefined ? 0 : last.startedMs + last.ms;
  const count = `${attempts.length} ${attempts.length === 1 ? 'attempt' : 'attempts'}`;
  say('route', `✓ ${provider}  ${model}: ${first}${milliseconds(total)} in all, ${count}${note && `; ${note}`}`);
}

/** Vectors come with length 1, so this is the cosine. */
function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}

/** A package or binary that is missing says itself what to install. */
function explain(error: unknown): string {
  const missing = isRouterError(error) ? error.attempts.find((attempt) => attempt.error.code === 'unsupported') : undefined;
  if (missing) return `The demo infers on this machine's CPU. ${missing.error.message}`;
  return `The demo went wrong: ${error instanceof Error ? error.message : String(error)}`;
}

try {
  await demo();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
