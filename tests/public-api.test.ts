import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import * as inferlane from '../src/index.ts';

// What is exported is a promise. A name that is added or taken away changes these lists, and CHANGELOG.md.

const values = [
  'AllFailedError',
  'ConfigError',
  'RouterError',
  'autodetect',
  'collect',
  'createRouter',
  'defaultModels',
  'defineAdapter',
  'errorCodes',
  'eventNames',
  'fromEnv',
  'goneModels',
  'httpFor',
  'httpStatusOf',
  'imagePart',
  'isRouterError',
  'ofetchTransport',
  'providerTypes',
  'readEvents',
  'readLines',
  'systemClock',
  'textOf',
];

const types = [
  'Adapter',
  'AdapterDefinition',
  'AnswerSchema',
  'AssistantMessage',
  'AutodetectOptions',
  'BreakerEffect',
  'BreakerOptions',
  'Call',
  'CallOptions',
  'Capabilities',
  'Chat',
  'ChatAnswer',
  'ChatChoice',
  'ChatChunk',
  'ChatCompletion',
  'ChatMessage',
  'ChatRequest',
  'ChatStream',
  'ChunkBatches',
  'ChunkChoice',
  'ChunkDelta',
  'Clock',
  'CloseOptions',
  'ConfigIssue',
  'ContentPart',
  'Cost',
  'DefaultModelRow',
  'Detection',
  'Device',
  'Embed',
  'EmbedAnswer',
  'EmbedRequest',
  'EmbedUsage',
  'Embedding',
  'EmbeddingList',
  'EnvSetting',
  'ErrorCode',
  'ErrorDetails',
  'ErrorRow',
  'EventName',
  'FailedAttempt',
  'Feature',
  'FinishReason',
  'GoneModelRow',
  'HealthReport',
  'HealthSummary',
  'HttpClient',
  'HttpForOptions',
  'ImagePart',
  'IntentOptions',
  'Listener',
  'LoadReport',
  'ModelInfo',
  'ModelName',
  'ModelSnapshot',
  'NextStep',
  'OtherVerbs',
  'Parameter',
  'ParsedCompletion',
  'Phase',
  'Plan',
  'PlannedCandidate',
  'ProviderHealth',
  'ProviderModel',
  'ProviderOptions',
  'ProviderSnapshot',
  'ProviderStatus',
  'ProviderType',
  'ProviderTypeRow',
  'ReasoningEffort',
  'ResidentModel',
  'ResponseFormat',
  'Role',
  'RouteAttempt',
  'RouteTrace',
  'Router',
  'RouterEvents',
  'RouterOptions',
  'RouterSnapshot',
  'SchemaIssue',
  'SchemaRequest',
  'SchemaResult',
  'SideEffect',
  'SkippedCandidate',
  'SkippedInPlan',
  'SseEvent',
  'StoppedBecause',
  'Stream',
  'StreamLimits',
  'TextPart',
  'ThinkingBlock',
  'TimeoutOptions',
  'Tool',
  'ToolCall',
  'ToolCallDelta',
  'ToolChoice',
  'Transport',
  'TransportRequest',
  'TransportResponse',
  'Usage',
  'Verb',
];

/** Every name that `src/index.ts` exports, types included, as the compiler sees them. */
function exportedNames(): string[] {
  const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  const program = ts.createProgram([index], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(index);
  const symbol = file && checker.getSymbolAtLocation(file);
  if (symbol === undefined) throw new Error('src/index.ts exports nothing');
  return checker.getExportsOfModule(symbol).map(({ name }) => name);
}

test('these values are exported, and no others', () => {
  expect(Object.keys(inferlane).toSorted()).toEqual(values);
});

test('these types are exported beside them, and no others', { timeout: 30_000 }, () => {
  const names = exportedNames().filter((name) => !values.includes(name));
  expect(names.toSorted()).toEqual(types);
});
