import { expect, test } from 'vitest';
import * as kit from '../../src/testing/index.ts';
import { exportedNames } from '../_kit/exported-names.ts';

// What `inferlane/testing` exports is a promise as well. A name that is added or taken away changes these lists, and CHANGELOG.md.

const values = [
  'adapterCases',
  'after',
  'badRequest',
  'contextLength',
  'createBench',
  'createTestRouter',
  'cutAfter',
  'defaultText',
  'driverFault',
  'embed',
  'empty',
  'errorInStream',
  'fakeBackend',
  'garbageAt',
  'html',
  'inWrites',
  'jsonExchange',
  'loading',
  'modelMissing',
  'models',
  'outOfMemory',
  'queueFull',
  'quotaExhausted',
  'rateLimited',
  'recordEvents',
  'remoteGpuWire',
  'reply',
  'resident',
  'serverError',
  'skipReason',
  'slow',
  'stallAfter',
  'stallBeforeHeaders',
  'status',
  'testClock',
  'textExchange',
  'toolCall',
  'unauthorized',
  'usage',
  'when',
];

const types = [
  'AdapterCase',
  'Answer',
  'BackendKind',
  'BackendOptions',
  'BackendState',
  'Bench',
  'BenchOptions',
  'EventRecord',
  'Exchange',
  'Failure',
  'FailureKind',
  'FakeBackend',
  'FakeCall',
  'FakeModel',
  'FakeRequest',
  'FakeResident',
  'FakeToolCall',
  'Faults',
  'Group',
  'ListeningBackend',
  'Matcher',
  'Memory',
  'Need',
  'RecordedEvent',
  'Rule',
  'Saying',
  'Script',
  'ScriptItem',
  'StateItem',
  'Step',
  'TestClock',
  'TestClockOptions',
  'TestRouter',
  'TestRouterOptions',
  'Wire',
  'WireCall',
  'WireVerb',
];

test('these values are exported, and no others', () => {
  expect(Object.keys(kit).toSorted()).toEqual(values);
});

test('these types are exported beside them, and no others', { timeout: 30_000 }, () => {
  const names = exportedNames('testing/index.ts').filter((name) => !values.includes(name));
  expect(names.toSorted()).toEqual(types);
});
