import { createRouter, isRouterError, type Router } from '../../../src/index.ts';
import { type Canaries, createCanaries } from '../_kit/canaries.ts';
import { atLeast, exactly, type Job, type JobReport, type Size } from '../_kit/job.ts';
import { tally } from '../_kit/numbers.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { startProgram } from '../_kit/program.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { watchConnections } from './connections.ts';
import { locationsFor, statuses } from './locations.ts';
import type { Seen } from './server.ts';

const figures = {
  forms: 'forms of Location that were answered with',
  statuses: 'statuses that were answered with',
  ran: 'redirects that the server sent',
  bytes: 'bytes at the recording server',
  reached: 'connections to the recording server',
  foreign: 'connections to any host but the configured one',
  followed: 'requests to a path that only a redirect names',
  wrong: 'calls that were not answered by the healthy provider after a typed error, or did not fail with one where they stood alone',
  control: 'connections to the recording server when fetch follows one redirect, which shows that the rig sees it',
} as const;

export const job: Job = {
  name: 'redirects',
  about: 'no redirect is followed, wherever it points, and the call moves on',
  figures: [...Object.values(figures), ...Object.values(canaryFigures)],
  async run(size, seed): Promise<JobReport> {
    const canaries = createCanaries(seed);
    using _output = canaries.watchOutput();
    const connections = watchConnections();
    try {
      await using server = await startProgram<null, Seen>(new URL('./server.ts', import.meta.url));
      const { front, target } = await server.ask(null);
      const cases = casesOf(size, locationsFor(front, target).length);
      const outcomes: string[] = [];
      for (const each of cases) outcomes.push(await meet(each, `http://127.0.0.1:${front}`, canaries));
      const seen = await server.ask(null);
      const foreign = foreignTo(front, connections);
      const control = await follow(front, server);
      return {
        figures: [
          atLeast(figures.forms, 200, new Set(cases.map(({ location }) => location)).size),
          exactly(figures.statuses, statuses.length, new Set(cases.map(({ status }) => status)).size),
          exactly(figures.ran, cases.length, seen.redirects),
          exactly(figures.bytes, 0, seen.targetBytes),
          exactly(figures.reached, 0, seen.targetConnections),
          exactly(figures.foreign, 0, foreign.length),
          exactly(figures.followed, 0, seen.followed),
          exactly(figures.wrong, 0, outcomes.filter((outcome) => outcome !== 'right').length),
          atLeast(figures.control, 1, control),
          ...figuresOfCanaries(canaries.hits, seen.kinds),
        ],
        detail: { outcomes: tally(outcomes), foreign: tally(foreign), connections: connections.opened.length, hits: canaries.hits },
      };
    } finally {
      connections.stop();
    }
  },
};

interface Case {
  readonly location: number;
  readonly status: number;
  readonly verb: 'chat' | 'stream';
  /** Without the healthy provider. */
  readonly isAlone: boolean;
}

/** Every form with every status in the long form; in the quick one five of eight forms once, with the statuses in turn. */
function casesOf(size: Size, locations: number): Case[] {
  const all = Array.from({ length: locations }, (_, location) => location);
  const some = size === 'long' ? all : all.filter((location) => location % 8 < 5);
  return some.flatMap((location) => {
    const chosen = size === 'long' ? statuses : statuses.filter((__, at) => at === location % statuses.length);
    return chosen.flatMap((status): Case[] => {
      const verb = (location + status) % 2 === 0 ? ('chat' as const) : ('stream' as const);
      const both = [{ location, status, verb, isAlone: false }];
      return size === 'long' || location % 10 === 0 ? [...both, { location, status, verb, isAlone: true }] : both;
    });
  });
}

async function meet({ location, status, verb, isAlone }: Case, url: string, canaries: Canaries): Promise<string> {
  const redirecting = plantedProvider(canaries, `${url}/redirecting`, 'key');
  const healthy = plantedProvider(canaries, `${url}/healthy`, 'url');
  await using router = createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    // Alone it would be asked again, after pauses.
    ...(isAlone && { maxAttempts: 1 }),
    providers: isAlone ? { redirecting } : { redirecting, healthy },
  });
  canaries.watch(router);
  const request = plantedChat(canaries, `${canaries.of.completion} location:${location} status:${status}`);
  try {
    const { provider, attempts } = verb === 'chat' ? (await router.chat(request)).route : await read(router, request);
    canaries.look('route', attempts);
    const codes = attempts.map(({ error }) => error?.code ?? 'none').join();
    return provider === 'healthy' && codes === 'bad_response,none' ? 'right' : `${provider}: ${codes}`;
  } catch (error) {
    canaries.look('error', error);
    const cause = isRouterError(error, 'all_failed') ? error.attempts[0]?.error : error;
    return isAlone && isRouterError(cause, 'bad_response') ? 'right' : `failed: ${isRouterError(cause) ? cause.code : 'foreign'}`;
  }
}

async function read(router: Router, request: ReturnType<typeof plantedChat>) {
  const stream = await router.stream(request);
  for await (const chunk of stream) void chunk;
  return stream.route;
}

/** Connections that were announced to, or that reached, anything but the configured server. */
function foreignTo(front: number, { announced, opened }: ReturnType<typeof watchConnections>): string[] {
  const reached = opened.flatMap(({ remotePort, remoteAddress }) =>
    remotePort === undefined ? [] : [`${remoteAddress ?? ''}:${remotePort}`],
  );
  return [...announced, ...reached].filter((place) => place !== `127.0.0.1:${front}`);
}

/** What happens to a client that follows: the first form of all points to the recording server. */
async function follow(front: number, server: { ask(question: null): Promise<Seen> }): Promise<number> {
  const body = JSON.stringify({ text: 'location:0 status:307' });
  await fetch(`http://127.0.0.1:${front}/redirecting`, { method: 'POST', body }).catch(() => undefined);
  return (await server.ask(null)).targetConnections;
}
