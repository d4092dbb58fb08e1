// Fake backends: scripts, the servers that play them, and what they saw.
export { fakeBackend, models, resident, when } from './fake-backend.ts';
export type {
  BackendKind,
  BackendOptions,
  FakeBackend,
  FakeCall,
  FakeRequest,
  ListeningBackend,
  Matcher,
  Rule,
  Script,
  ScriptItem,
  StateItem,
} from './backend.ts';
export {
  after,
  type Answer,
  badRequest,
  contextLength,
  cutAfter,
  defaultText,
  driverFault,
  embed,
  empty,
  errorInStream,
  type Failure,
  type FailureKind,
  type FakeToolCall,
  type Faults,
  garbageAt,
  html,
  inWrites,
  loading,
  type Memory,
  modelMissing,
  outOfMemory,
  queueFull,
  quotaExhausted,
  rateLimited,
  reply,
  serverError,
  slow,
  stallAfter,
  stallBeforeHeaders,
  status,
  type Step,
  toolCall,
  unauthorized,
  usage,
} from './script.ts';

// A wire of your own: one server's protocol.
export {
  type BackendState,
  type Exchange,
  type FakeModel,
  type FakeResident,
  jsonExchange,
  textExchange,
  type Wire,
  type WireCall,
  type WireVerb,
} from './wire.ts';
export { remoteGpuWire } from './wires/remote-gpu.ts';

// Routers whose time and chance are the test's.
export { type EventRecord, type RecordedEvent, recordEvents } from './record-events.ts';
export { testClock, type TestClock, type TestClockOptions } from './test-clock.ts';
export { createTestRouter, type TestRouter, type TestRouterOptions } from './test-router.ts';

// What another configuration would have made of recorded calls.
export { formatRuns } from './simulation/format.ts';
export type { ProviderFigures, RunFigures, Spread } from './simulation/figures.ts';
export { simulate, type SimulateOptions, type Simulation } from './simulation/simulate.ts';
export type { AssumedSpeed } from './simulation/adapter.ts';
export type { Trace } from './simulation/trace.ts';

// The conformance suite: what every adapter must do.
export {
  type AdapterCase,
  adapterCases,
  type Bench,
  type BenchOptions,
  createBench,
  type Group,
  type Need,
  type Saying,
  skipReason,
} from './cases/index.ts';
