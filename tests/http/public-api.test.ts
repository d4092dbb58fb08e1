import { expect, test } from 'vitest';
import * as http from '../../src/http/index.ts';
import { exportedNames } from '../_kit/exported-names.ts';

// What `inferlane/http` exports is a promise as well. A name that is added or taken away changes these lists, and CHANGELOG.md.

const values = [
  'backendStatusView',
  'gpuProvidersView',
  'inferenceHealthView',
  'modelHealthView',
  'modelListView',
  'pairCheckView',
  'pairModelsView',
  'views',
];

const types = [
  'BackendFailoverJson',
  'BackendStatusJson',
  'FailedFallbackJson',
  'GpuProviderJson',
  'GpuProvidersJson',
  'InferenceHealthJson',
  'InferenceProviderJson',
  'ModelHealthJson',
  'ModelJson',
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
