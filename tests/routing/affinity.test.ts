import { describe, expect, test } from 'vitest';
import { createAffinity } from '../../src/routing/affinity.ts';

const halfAnHourMs = 30 * 60_000;

describe('the provider that served a model last', () => {
  test('is not known before one has', () => {
    expect(createAffinity().lastServed('m', 0)).toBeUndefined();
  });

  test('is known for each model by itself', () => {
    const affinity = createAffinity();
    affinity.learn('m', 'a', 0);
    affinity.learn('n', 'b', 0);
    affinity.learn('', 'c', 0);
    expect(['m', 'n', '', 'o'].map((model) => affinity.lastServed(model, 0))).toEqual(['a', 'b', 'c', undefined]);
  });

  test('is the latest one', () => {
    const affinity = createAffinity();
    for (const provider of ['a', 'b', 'a', 'c']) affinity.learn('m', provider, 0);
    expect(affinity.lastServed('m', 0)).toBe('c');
  });

  test('is forgotten after half an hour', () => {
    const affinity = createAffinity();
    affinity.learn('m', 'a', 1_000);
    expect(affinity.lastServed('m', 1_000 + halfAnHourMs)).toBe('a');
    expect(affinity.lastServed('m', 1_001 + halfAnHourMs)).toBeUndefined();
  });

  test('is remembered anew with each answer', () => {
    const affinity = createAffinity();
    affinity.learn('m', 'a', 0);
    affinity.learn('m', 'a', halfAnHourMs);
    expect(affinity.lastServed('m', 2 * halfAnHourMs)).toBe('a');
  });

  test('is remembered for 1,000 models, and of more the least recently served are forgotten', () => {
    const affinity = createAffinity();
    for (let model = 0; model < 1_000; model++) affinity.learn(`m${model}`, 'a', 0);
    affinity.learn('m0', 'b', 0);
    affinity.learn('new', 'c', 0);
    const known = ['m0', 'm1', 'm2', 'm999', 'new'].map((model) => affinity.lastServed(model, 0));
    expect(known).toEqual(['b', undefined, 'a', 'a', 'c']);
    for (let model = 0; model < 1_000; model++) affinity.learn(`other${model}`, 'a', 0);
    expect(['m0', 'm2', 'm999', 'new'].map((model) => affinity.lastServed(model, 0))).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('makes nobody else forgotten where it is known already, and is the last to be forgotten from then on', () => {
    const affinity = createAffinity();
    for (let model = 0; model < 1_000; model++) affinity.learn(`m${model}`, 'a', 0);
    affinity.learn('m5', 'b', 0);
    expect([affinity.lastServed('m0', 0), affinity.lastServed('m5', 0)]).toEqual(['a', 'b']);
    for (let model = 0; model < 6; model++) affinity.learn(`new${model}`, 'a', 0);
    const known = ['m4', 'm5', 'm6', 'm7'].filter((model) => affinity.lastServed(model, 0) !== undefined);
    expect(known).toEqual(['m5', 'm7']);
  });
});
