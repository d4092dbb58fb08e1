import { expect, test } from 'vitest';
import { exportedNames } from '../_kit/exported-names.ts';

// What `inferlane/otel` exports is a promise. A name that is added or taken away changes this list, and CHANGELOG.md.

test('the entry point exports these names and no others', () => {
  expect(exportedNames('telemetry/otel.ts').toSorted()).toEqual(['TracedOptions', 'traced']);
}, 60_000);
