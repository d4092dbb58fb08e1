import { execFileSync } from 'node:child_process';
import { cores } from '../http/processes.ts';
import type { Memory, Sent, Stretch, StreamsRun, SubjectFigures } from './figures.ts';
import { startOn } from './start.ts';
import type { ClientQuestion, ClientReply, Kind } from './stream-client.ts';
import type { ServerQuestion, ServerReply } from './stream-server.ts';

// Many streams at once, each with a token now and then: first a bare loop, then routers, each in a process of its own on one core.

const subjects: readonly { readonly kind: Kind; readonly name: string; readonly given: string }[] = [
  { kind: 'bare', name: 'bare loop', given: '`http.request`, events split at the blank line by hand, `JSON.parse` of each' },
  {
    kind: 'one',
    name: 'inferlane, 1 provider',
    given: '`createRouter({ providers: { box: { type: "vllm", url } }, deadlineMs })`, all else by default, `router.stream`',
  },
  {
    kind: 'three',
    name: 'inferlane, 3 providers',
    given:
      'the same with `providers` of the types `vllm`, `llamacpp` and `openai-compatible` at the same server, of which the first is asked',
  },
];

const stretches = 3;
const trialSeconds = 3;
const mostHalvings = 3;
/** The bare loop must leave so much of its core to whoever does more. */
const mostOfCore = 0.7;
/** Of the tokens that were due; a stretch of the server begins and ends a little apart from that of the client. */
const leastShare = 0.95;
/** Of a process's files: those that are no stream's. */
const otherFiles = 300;

export interface StreamsOptions {
  readonly streams: number;
  /** Of one stretch. */
  readonly seconds: number;
  /** From one token of a stream to the next. */
  readonly periodMs: number;
  readonly onTrouble: (text: string) => void;
}

export async function measureStreams({ streams: asked, seconds, periodMs: askedPeriodMs, onTrouble }: StreamsOptions): Promise<StreamsRun> {
  const hardLimit = filesLimit();
  const streams = Math.min(asked, hardLimit - otherFiles);
  if (streams < asked)
    console.log(`${asked} streams were asked for and ${streams} are run: a process may have ${hardLimit} open files here (ulimit -Hn).`);
  const { periodMs, tooFast } = await paceThatAllKeep(streams, askedPeriodMs);
  const figures: SubjectFigures[] = [];
  for (const subject of subjects) figures.push(await measureOne(subject, { streams, seconds, periodMs, onTrouble }));
  return { asked, streams, hardLimit, askedPeriodMs, periodMs, tooFast, stretchSeconds: seconds, subjects: figures };
}

/** Node raises its own limit to the hard one when it starts, so that is the one that counts. */
function filesLimit(): number {
  const text = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Infinity : Number(text);
}

/** A server, and a client whose streams are all open. */
interface Stage extends AsyncDisposable {
  readonly openedInMs: number;
  readonly before: Memory;
  pace(periodMs: number): Promise<void>;
  stretch(seconds: number): Promise<Stretch & { readonly server: Sent }>;
  memory(): Promise<Memory>;
  end(): Promise<Pick<SubjectFigures, 'whole' | 'sent'>>;
}

async function openStage(kind: Kind, streams: number, periodMs: number, most: number): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startOn<ServerQuestion, ServerReply>('./stream-server.ts', cores.others));
  const client = stack.use(await startOn<ClientQuestion, ClientReply>('./stream-client.ts', cores.measured, ['--expose-gc']));
  const { url } = await server.ask({ ask: 'listen', streams, periodMs });
  const begun = await client.ask({ ask: 'open', kind, url: told(url), streams, most });
  const owned = stack.move();
  return {
    openedInMs: told(begun.openedInMs),
    before: told(begun.memory),
    memory: async () => told((await client.ask({ ask: 'memory' })).memory),
    pace: async (everyMs) => void (await server.ask({ ask: 'pace', periodMs: everyMs })),
    async stretch(seconds) {
      await client.ask({ ask: 'settle' });
      const [seen, sent] = await Promise.all([client.ask({ ask: 'stretch', seconds }), server.ask({ ask: 'stretch', seconds })]);
      return { ...told(seen.stretch), server: told(sent.stretch) };
    },
    async end() {
      const { sent } = await server.ask({ ask: 'end' });
      return { sent: told(sent), whole: told((await client.ask({ ask: 'end' })).whole) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function told<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('A process gave another answer than it was asked for.');
  return value;
}

/** Begins with what was asked for and halves it until the bare loop and the router both keep it. */
async function paceThatAllKeep(streams: number, askedMs: number): Promise<Pick<StreamsRun, 'periodMs' | 'tooFast'>> {
  const tooFast: string[] = [];
  let periodMs = askedMs;
  for (const kind of ['bare', 'three'] as const) {
    await using stage = await openStage(kind, streams, periodMs, mostTimes(streams, trialSeconds, periodMs));
    for (;;) {
      const seen = await stage.stretch(trialSeconds);
      const behind = behindOf(seen, streams, trialSeconds, periodMs);
      if (behind === undefined && (kind !== 'bare' || seen.cpuShare <= mostOfCore)) break;
      const why = `${behind === undefined ? '' : `${behind}, and `}it had ${Math.round(seen.cpuShare * 100)} % of its core`;
      tooFast.push(`every ${periodMs} ms, ${subjects.find((each) => each.kind === kind)?.name ?? kind}: ${why}`);
      console.log(`Too fast, and halved: ${tooFast.at(-1)}.`);
      periodMs *= 2;
      if (periodMs > askedMs * 2 ** mostHalvings) throw new Error('This machine is too slow, or too busy, for so many streams.');
      await stage.pace(periodMs);
    }
  }
  return { periodMs, tooFast };
}

const mostTimes = (streams: number, seconds: number, periodMs: number): number => Math.ceil((2 * streams * seconds * 1_000) / periodMs);

/** Why it has not kept the pace; undefined where it has. */
function behindOf({ received, delayP99Ms }: Stretch, streams: number, seconds: number, periodMs: number): string | undefined {
  const share = received / ((streams * seconds * 1_000) / periodMs);
  if (share < leastShare) return `${(share * 100).toFixed(1)} % of the tokens that were due came`;
  return delayP99Ms > periodMs ? `tokens came ${Math.round(delayP99Ms)} ms late` : undefined;
}

type Subject = (typeof subjects)[number];

async function measureOne(
  { kind, name, given }: Subject,
  { streams, seconds, periodMs, onTrouble }: StreamsOptions,
): Promise<SubjectFigures> {
  await using stage = await openStage(kind, streams, periodMs, mostTimes(streams, seconds, periodMs));
  const [seen, memory]: [(Stretch & { readonly server: Sent })[], Memory[]] = [[], [stage.before]];
  for (let time = 0; time < stretches; time++) {
    const one = await stage.stretch(seconds);
    const behind = behindOf(one, streams, seconds, periodMs);
    if (behind !== undefined) onTrouble(`${name}: fell behind in stretch ${time + 1}: ${behind}`);
    seen.push(one);
    memory.push(await stage.memory());
  }
  const { whole, sent } = await stage.end();
  for (const trouble of whole.troubles) onTrouble(`${name}: ${trouble}`);
  if (whole.received !== sent) onTrouble(`${name}: ${whole.received} of ${sent} tokens came`);
  return { name, given, openedInMs: stage.openedInMs, stretches: seen, memory, whole, sent };
}
