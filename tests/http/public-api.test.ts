import { expect, test } from 'vitest';
import * as http from '../../src/http/index.ts';
import { exportedNames } from '../_kit/exported-names.ts';

// What `inferlane/http` exports is a promise as well. A name that is added or taken away changes these lists, and CHANGELOG.md.

const values = [
  'backendStatusView',
  'createHandler',
  'gpuProvidersView',
  'handlerDefaults',
  'inferenceHealthView',
  'modelHealthView',
  'modelListView',
  'pairCheckView',
  'pairModelsView',
  'toNodeListener',
  'views',
];

const types = [
  'AccessEntry',
  'AdminChange',
  'AdminOptions',
  'BackendFailoverJson',
  'BackendStatusJson',
  'Connection',
  'FailedFallbackJson',
  'GpuProviderJson',
  'GpuProvidersJson',
  'Handler',
  'HandlerOptions',
  'InferenceHealthJson',
  'InferenceProviderJson',
  'MetricsText',
  'ModelHealthJson',
  'ModelJson',
  'NodeListener',
  'PairMemberJson',
  'View',
  'ViewInput',
  'ViewName',
];

test('these values are exported, and no others', () => {
  expect(Object.keys(http).toSorted()).toEqual(values);
});

test('these types are exported beside them, and no others', { timeout: 60_000 }, () => {
  const names = exportedNames('http/index.ts').filter((name) => !values.includes(name));
  expect(names.toSorted()).toEqual(types);
});
