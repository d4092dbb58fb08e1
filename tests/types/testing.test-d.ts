import type {
  AdapterCase,
  Answer,
  AssumedSpeed,
  BackendKind,
  BackendOptions,
  BackendState,
  Bench,
  BenchOptions,
  EventRecord,
  Exchange,
  Failure,
  FailureKind,
  FakeBackend,
  FakeCall,
  FakeModel,
  FakeRequest,
  FakeResident,
  FakeToolCall,
  Faults,
  Group,
  ListeningBackend,
  Matcher,
  Memory,
  Need,
  ProviderFigures,
  RecordedEvent,
  Rule,
  RunFigures,
  Saying,
  Script,
  ScriptItem,
  SimulateOptions,
  Simulation,
  Spread,
  StateItem,
  Step,
  TestClock,
  TestClockOptions,
  TestRouter,
  TestRouterOptions,
  Trace,
  Wire,
  WireCall,
  WireVerb,
} from '../../src/testing/index.ts';
import {
  adapterCases,
  after,
  badRequest,
  contextLength,
  createBench,
  createTestRouter,
  cutAfter,
  defaultText,
  driverFault,
  embed,
  empty,
  errorInStream,
  fakeBackend,
  formatRuns,
  garbageAt,
  html,
  inWrites,
  jsonExchange,
  loading,
  modelMissing,
  models,
  outOfMemory,
  queueFull,
  quotaExhausted,
  rateLimited,
  recordEvents,
  remoteGpuWire,
  reply,
  resident,
  serverError,
  simulate,
  skipReason,
  slow,
  stallAfter,
  stallBeforeHeaders,
  status,
  testClock,
  textExchange,
  toolCall,
  unauthorized,
  usage,
  when,
} from '../../src/testing/index.ts';
import type { Adapter, Clock, Router } from '../../src/index.ts';
import { exactly, some } from './exactly.ts';

// Scripts of fake backends.

const memory: Memory = 'cuda';
const called: FakeToolCall = { name: 'weather', arguments: { city: 'Paris' } };
const answer: Answer = { text: defaultText, toolCalls: [called], finishReason: 'stop' };
const failures: readonly Step[] = [
  badRequest(),
  contextLength(),
  driverFault(),
  empty(),
  html(502),
  modelMissing(),
  outOfMemory(memory),
  queueFull(),
  quotaExhausted(),
  rateLimited(5),
  serverError(),
  status(418, { message: 'a teapot' }),
  unauthorized(),
];
const faults: readonly Step[] = [
  after(100),
  cutAfter(2, 'rst'),
  errorInStream(1),
  garbageAt(3),
  inWrites('bytes'),
  loading(1_000),
  slow(20, reply('slowly')),
  stallAfter(1),
  stallBeforeHeaders(),
  usage({ promptTokens: 1, completionTokens: 2 }),
];
const step: Step = reply('Hello!', answer);
exactly<Failure | undefined>()(step.failure);
exactly<FailureKind | undefined>()(step.failure?.kind);
exactly<Faults>()(step.faults);
const known: FakeModel = { id: 'llama3.1:8b', contextLength: 8_192 };
const loaded: FakeResident = { ...known, vramBytes: 1 };
const state: StateItem = models(['llama3.1:8b', known]);
const matcher: Matcher = { verb: 'stream', where: (call: WireCall) => call.path === '/api/chat' };
const rule: Rule = when(matcher, toolCall('weather', { city: 'Paris' }), embed(8));
const items: readonly ScriptItem[] = [state, resident([loaded]), rule, ...failures, ...faults];
const script: Script = items;
// @ts-expect-error: a connection ends in one of two ways
cutAfter(2, 'softly');

// Fake backends.

const kind: BackendKind = 'ollama';
const clock: Clock = testClock();
const options: BackendOptions = { clock };
const backend: FakeBackend = fakeBackend(kind, script, options);
exactly<readonly FakeCall[]>()(backend.calls);
exactly<readonly FakeRequest[]>()(backend.requests);
exactly<Promise<ListeningBackend>>()(backend.listen());
// @ts-expect-error: no server speaks like this
fakeBackend('olama');

const wire: Wire = remoteGpuWire('notebook');
exactly<WireVerb | undefined>()(wire.verbOf('POST', '/generate', {}));
exactly<Exchange>()(jsonExchange({ ok: true }));
exactly<Exchange>()(textExchange('busy', 503));
exactly<readonly FakeModel[]>()(some<BackendState>().models);

// Routers whose time is the test's.

async function timed(): Promise<void> {
  const settings: TestRouterOptions = { seed: 1 };
  await using made: TestRouter = createTestRouter({ providers: { gpu: { type: 'ollama', url: backend.url } } }, settings);
  exactly<Router>()(made.router);
  exactly<TestClock>()(made.clock);
  await made.clock.advance(1_000);
  const events: EventRecord = recordEvents(made.router);
  exactly<readonly RecordedEvent[]>()(events.all);
  exactly<string | undefined>()(events.of('failover').at(0)?.to);
  // @ts-expect-error: there is no such event
  events.of('failovr');
}
void timed;
const seeded: TestClockOptions = { seed: 7, startMs: 0 };
exactly<TestClock>()(testClock(seeded));

// Recorded calls, once more.

async function again(trace: Trace): Promise<void> {
  const speed: AssumedSpeed = { firstTokenMs: 200, tokensPerSecond: 40 };
  const assumed: SimulateOptions = { assume: { gpu: speed }, seed: 1 };
  const simulation: Simulation = await simulate({ providers: { gpu: { type: 'ollama' } } }, trace, assumed);
  const run: RunFigures = simulation.replayed;
  exactly<Spread>()(run.firstTokenMs);
  exactly<ProviderFigures | undefined>()(run.providers['gpu']);
  exactly<string>()(formatRuns({ run }));
}
void again;

// The suite of what every adapter must do.

async function suite(): Promise<void> {
  const own: BenchOptions = { backend: 'vllm', adapter: () => some<Adapter>() };
  const bench: Bench = await createBench(own);
  for (const each of adapterCases) {
    exactly<AdapterCase>()(each);
    exactly<Group>()(each.group);
    exactly<readonly Need[]>()(each.needs);
    exactly<string | undefined>()(skipReason(each, bench));
  }
  const need: Need = `says:${some<Saying>()}`;
  exactly<string | undefined>()(bench.lacks(need));
}
void suite;
