import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noCapabilities } from '../../src/core/capabilities.ts';
import { isAmong } from '../../src/routing/plan.ts';
import { type Asked, type Described, facts, planned, planOf } from '../_kit/candidates.ts';

describe('gates', () => {
  test.each<[string, Partial<Described>, string]>([
    ['cannot do it', { verbs: { chat: false, stream: true, embed: true } }, 'unsupported, cannot chat'],
    ['lacks the model', { missing: 'it does not list "m"' }, 'model_not_found, it does not list "m"'],
    ['costs money', { cost: 'paid' }, 'no_provider, costs money, and allowPaid is false'],
    ['refused the credentials', { disabled: 'its credentials were refused' }, 'auth, its credentials were refused'],
    ['ran out of memory', { pinnedUntilMs: 9 }, 'out_of_memory, the model ran out of memory there'],
    ['has an open breaker', { openUntilMs: 9 }, 'circuit_open, its breaker is open'],
    ['asked for a rest', { rests: { untilMs: 9, reason: 'rate_limited' } }, 'rate_limited, it asked for a pause'],
    ['has no room', { rests: { untilMs: 9, reason: 'overloaded' } }, 'overloaded, it has no room now'],
    ['loads the model', { rests: { untilMs: 9, reason: 'model_loading' } }, 'model_loading, the model is being loaded there'],
  ])('a provider that %s is left out', (_name, other, reason) => {
    expect(planned([facts('a', other), facts('b')])).toEqual({ order: ['b'], skipped: [`a: ${reason}`] });
  });

  test('one that lacks features says which', () => {
    const able = facts('able', { capabilities: { ...noCapabilities, tools: true, vision: true, logprobs: true } });
    const half = facts('half', { capabilities: { ...noCapabilities, vision: true } });
    expect(planned([half, able], { needs: ['tools', 'vision', 'logprobs'] })).toEqual({
      order: ['able'],
      skipped: ['half: unsupported, lacks tools, logprobs'],
    });
  });

  test.each(['chat', 'stream', 'embed'] as const)('%s needs a provider with that verb', (verb) => {
    const verbs = { chat: false, stream: false, embed: false, [verb]: true };
    const others = { chat: true, stream: true, embed: true, [verb]: false };
    expect(planned([facts('none', { verbs: others }), facts('able', { verbs })], { verb }).order).toEqual(['able']);
  });

  test('what never changes is told before what ends by itself', () => {
    const all = {
      missing: 'not here',
      cost: 'paid',
      disabled: 'refused',
      pinnedUntilMs: 9,
      openUntilMs: 9,
      rests: { untilMs: 9, reason: 'overloaded' },
    } as const;
    expect(planned([facts('a', all)]).skipped).toEqual(['a: model_not_found, not here']);
  });

  test('only obstacles that end by themselves say when', () => {
    const list = [
      facts('open', { openUntilMs: 20 }),
      facts('rests', { rests: { untilMs: 30, reason: 'overloaded' } }),
      facts('pinned', { pinnedUntilMs: 10 }),
      facts('paid', { cost: 'paid' }),
      facts('ready'),
    ];
    const { skipped } = planOf(list);
    expect(Object.fromEntries(skipped.map(({ provider, readyAtMs }) => [provider, readyAtMs]))).toEqual({
      open: 20,
      rests: 30,
      pinned: 10,
      paid: undefined,
    });
  });
});

describe('paid providers', () => {
  const list = [facts('cloud', { cost: 'paid', device: 'cloud' }), facts('gpu', { rests: { untilMs: 9, reason: 'overloaded' } })];

  test('are never used without consent, though nothing else is left', () => {
    expect(planned(list).order).toEqual([]);
  });

  test('are used with consent', () => {
    expect(planned(list, { pays: 'any' }).order).toEqual(['cloud']);
  });

  test('are used when the caller names one', () => {
    expect(planned(list, { only: 'cloud', pays: 'named' })).toEqual({ order: ['cloud'], skipped: [] });
  });
});

describe('order', () => {
  test('priority comes before cost, cost before device, device before the registry', () => {
    const list = [
      facts('last', { priority: 1 }),
      facts('paid gpu', { cost: 'paid' }),
      facts('free cpu', { device: 'cpu' }),
      facts('free gpu, second'),
      facts('free cloud', { device: 'cloud' }),
      facts('free gpu, third'),
      facts('first', { priority: -1, cost: 'paid', device: 'cloud' }),
    ];
    const { order } = planned(list, { pays: 'any' });
    expect(order).toEqual(['first', 'free gpu, second', 'free gpu, third', 'free cpu', 'free cloud', 'paid gpu', 'last']);
  });

  test('an intent turns the devices around', () => {
    const list = [facts('gpu'), facts('cpu', { device: 'cpu' })];
    expect(planned(list, { order: [['cpu'], ['gpu'], ['remote'], ['cloud']] }).order).toEqual(['cpu', 'gpu']);
  });

  test('only the provider that was named is considered', () => {
    expect(planned([facts('a'), facts('b'), facts('c', { missing: 'no' })], { only: 'b' })).toEqual({ order: ['b'], skipped: [] });
  });

  test('each place has its reason', () => {
    const list = [
      facts('a', { priority: 2, cost: 'paid', device: 'cpu' }),
      facts('b', { model: undefined, substituted: true, device: 'remote' }),
    ];
    expect(planOf(list, { pays: 'any' }).candidates).toEqual([
      {
        provider: 'b',
        model: undefined,
        substituted: true,
        isTrial: false,
        tier: 0,
        score: undefined,
        seenTokens: 0,
        isFull: false,
        reason: 'free, remote is number 2 for fast, with its default model',
      },
      {
        provider: 'a',
        model: 'm',
        substituted: false,
        isTrial: false,
        tier: 2,
        score: undefined,
        seenTokens: 0,
        isFull: false,
        reason: 'priority 2, paid, cpu is number 3 for fast',
      },
    ]);
  });
});

describe('pins', () => {
  test('where only pinned providers are left, the oldest pin is put to the test', () => {
    const list = [facts('young', { pinnedUntilMs: 30 }), facts('old', { pinnedUntilMs: 10 }), facts('middle', { pinnedUntilMs: 20 })];
    const { order, skipped } = planned(list);
    expect(order).toEqual(['old']);
    expect(skipped.map((line) => line.split(':')[0])).toEqual(['young', 'middle']);
  });

  test('a pinned provider is left out while any other may answer', () => {
    expect(planned([facts('gpu', { pinnedUntilMs: 1 }), facts('paid', { cost: 'paid' })], { pays: 'any' }).order).toEqual(['paid']);
  });

  test('the test passes over a provider that rests or is held back by its breaker', () => {
    const list = [
      facts('open', { pinnedUntilMs: 1, openUntilMs: 90 }),
      facts('rests', { pinnedUntilMs: 2, rests: { untilMs: 90, reason: 'overloaded' } }),
      facts('free', { pinnedUntilMs: 3 }),
    ];
    expect(planned(list).order).toEqual(['free']);
    expect(planned(list.slice(0, 2)).order).toEqual([]);
  });

  test('a pin gives no way past a gate', () => {
    expect(planned([facts('paid', { cost: 'paid', pinnedUntilMs: 1 })]).order).toEqual([]);
  });
});

describe('embeddings', () => {
  const embed = { verb: 'embed' } as const;

  test('stay with the model of the first candidate', () => {
    const list = [
      facts('a', { space: 'x' }),
      facts('b', { model: 'y-large', space: 'y' }),
      facts('c', { model: undefined, space: 'z' }),
      facts('d', { space: 'x' }),
    ];
    expect(planned(list, embed)).toEqual({
      order: ['a', 'd'],
      skipped: [
        'b: embedding_space, embeds with y-large, into another vector space',
        'c: embedding_space, embeds with a model of its own, into another vector space',
      ],
    });
  });

  test.each<Partial<Described>>([
    { openUntilMs: 9 },
    { rests: { untilMs: 9, reason: 'overloaded' } },
    { pinnedUntilMs: 9 },
    { disabled: 'its credentials were refused' },
  ])('do not move to another model while the first provider is out: %o', (out) => {
    const { order, skipped } = planned([facts('a', { space: 'x', ...out }), facts('b', { space: 'y' })], embed);
    expect(order).toEqual(out.pinnedUntilMs === undefined ? [] : ['a']);
    expect(skipped.at(-1)).toMatch(/^b: embedding_space/);
  });

  test('move to the same model elsewhere while the first provider is out', () => {
    const list = [facts('a', { space: 'x', openUntilMs: 9 }), facts('b', { space: 'y' }), facts('c', { space: 'x' })];
    expect(planned(list, embed).order).toEqual(['c']);
  });

  test('take no model from a provider that could never serve the call', () => {
    const list = [
      facts('paid', { space: 'x', cost: 'paid' }),
      facts('chat', { space: 'y', verbs: { chat: true, stream: true, embed: false } }),
      facts('b', { space: 'z' }),
    ];
    expect(planned(list, embed).order).toEqual(['b']);
  });

  test('chat crosses vector spaces as it likes', () => {
    expect(planned([facts('a', { space: 'x' }), facts('b', { space: 'y' })]).order).toEqual(['a', 'b']);
  });
});

const anyFacts: fc.Arbitrary<Partial<Described>> = fc.record({
  device: fc.constantFrom('gpu', 'cpu', 'cloud'),
  cost: fc.constantFrom('free' as const, 'paid' as const),
  priority: fc.integer({ min: -1, max: 1 }),
  space: fc.constantFrom('x', 'y'),
  missing: fc.constantFrom(undefined, undefined, 'not here'),
  disabled: fc.constantFrom(undefined, undefined, 'refused'),
  pinnedUntilMs: fc.constantFrom(undefined, 1, 2),
  rests: fc.constantFrom(undefined, undefined, { untilMs: 9, reason: 'overloaded' as const }),
  openUntilMs: fc.constantFrom(undefined, undefined, 9),
});

const anyInput = fc.record({
  pays: fc.constantFrom('any' as const, 'nobody' as const),
  verb: fc.constantFrom('chat' as const, 'embed' as const),
});

test('every provider is a candidate or has a reason, once, and nobody who is held back is a candidate', () => {
  const property = fc.property(fc.array(anyFacts, { maxLength: 6 }), anyInput, (list, input) => {
    const all = list.map((other, index) => facts(`p${index}`, other));
    const { candidates, skipped } = planOf(all, input);
    const chosen = all.filter(({ provider }) => candidates.some((candidate) => candidate.provider === provider));
    const isHeldBack = ({ missing, disabled, rests, openUntilMs, cost }: Described): boolean =>
      (missing ?? disabled ?? rests ?? openUntilMs) !== undefined || (cost === 'paid' && input.pays === 'nobody');
    expect([...candidates, ...skipped].map(({ provider }) => provider).toSorted()).toEqual(all.map(({ provider }) => provider));
    expect(chosen.filter(isHeldBack)).toEqual([]);
    expect(chosen.length <= 1 || chosen.every(({ pinnedUntilMs }) => pinnedUntilMs === undefined)).toBe(true);
    if (input.verb === 'embed') expect(new Set(chosen.map(({ space }) => space)).size).toBeLessThanOrEqual(1);
  });
  fc.assert(property, { numRuns: 2_000 });
});

const reasons = (...list: readonly Described[]): string[] =>
  planOf(list).candidates.map(({ provider, reason }) => `${provider}: ${reason}`);
const trialsOf = (...list: readonly Described[]): boolean[] => planOf(list).candidates.map(({ isTrial }) => isTrial);
const gpus = (count: number): Described[] => Array.from({ length: count }, (_, index) => facts(`g${index}`));

describe('a model that lies partly outside of GPU memory', () => {
  test('stands with the processors where most of it does, and the reason tells its share', () => {
    expect(
      reasons(facts('spilled', { vramShare: 0.294 }), facts('gpu'), facts('cpu', { device: 'cpu' }), facts('far', { device: 'cloud' })),
    ).toEqual([
      'gpu: free, gpu is number 1 for fast',
      'spilled: free, gpu is number 1 for fast, with 29% of the model in GPU memory',
      'cpu: free, cpu is number 3 for fast',
      'far: free, cloud is number 4 for fast',
    ]);
  });

  test('stands where it stands with half of it inside', () => {
    expect(reasons(facts('half', { vramShare: 0.5 }), facts('gpu'))).toEqual([
      'half: free, gpu is number 1 for fast, with 50% of the model in GPU memory',
      'gpu: free, gpu is number 1 for fast',
    ]);
  });

  test('may be another one than was asked for, which is told as well', () => {
    expect(reasons(facts('gpu', { substituted: true }), facts('other', { substituted: true, vramShare: 0.7 }))).toEqual([
      'gpu: free, gpu is number 1 for fast, with its default model',
      'other: free, gpu is number 1 for fast, with its default model, with 70% of the model in GPU memory',
    ]);
  });
});

describe('the first part of a large registry', () => {
  const cpus = [facts('busy', { device: 'cpu', busy: 5 }), facts('idle', { device: 'cpu' })];
  const lastOf = (count: number, asked: Asked = {}): string[] =>
    planned([...gpus(count), ...cpus], { balance: 'least-busy', ...asked }).order.slice(count);

  test('has as many candidates as were asked for, and tells whether there are more', () => {
    const parts = [1, 2, 3, 4].map((most) => planOf([...gpus(2), ...cpus.slice(1)], { most }));
    expect(parts.map(({ candidates, isPartial }) => [candidates.map(({ provider }) => provider).join(' '), isPartial])).toEqual([
      ['g0', true],
      ['g0 g1', true],
      ['g0 g1 idle', false],
      ['g0 g1 idle', false],
    ]);
  });

  test('counts nobody who is left out among those that there are', () => {
    expect(planOf([...gpus(2), facts('open', { openUntilMs: 9 })], { most: 2 }).isPartial).toBe(false);
  });

  test('after 16 candidates there is no balance any more, for no call comes so far, but where a person looks', () => {
    expect(lastOf(15)).toEqual(['idle', 'busy']);
    expect(lastOf(16)).toEqual(['busy', 'idle']);
    expect(lastOf(16, { isShown: true })).toEqual(['idle', 'busy']);
  });
});

describe('a plan', () => {
  test('says of a candidate whether its pin is put to the test', () => {
    expect(trialsOf(facts('a'), facts('b'))).toEqual([false, false]);
    expect(trialsOf(facts('a', { pinnedUntilMs: 9 }))).toEqual([true]);
  });

  test('puts the pin of whoever comes first to the test where two are as old', () => {
    expect(planned([facts('a', { pinnedUntilMs: 9 }), facts('b', { pinnedUntilMs: 9 })]).order).toEqual(['a']);
  });

  test('of an embedding stays with a model that its provider has lost for the moment, or whose vectors were refused', () => {
    const other = facts('b', { space: 'y' });
    const refusal = { code: 'embedding_space', reason: 'its vectors differ' } as const;
    const spaceOf = (first: Partial<Described>, asked: Asked = {}): string | undefined =>
      planOf([facts('a', { space: 'x', ...first }), other], { verb: 'embed', ...asked }).space;
    expect(spaceOf({ missing: 'it does not list "m"' })).toBe('x');
    expect(spaceOf({ refusal })).toBe('x');
    expect(spaceOf({ model: undefined, missing: 'it has no name for "m"' })).toBe('y');
    expect(spaceOf({ refusal: { code: 'unsupported', reason: 'the model is too large' } })).toBe('y');
    expect([spaceOf({}), spaceOf({}, { only: 'b' })]).toEqual(['x', 'y']);
  });

  test('tells a model at a provider from another model there, and from the same one elsewhere', () => {
    const all = [
      { provider: 'a', model: 'm' },
      { provider: 'b', model: undefined },
    ];
    const ask = (provider: string, model: string | undefined): boolean => isAmong(all, { provider, model });
    expect([ask('a', 'm'), ask('b', undefined), ask('a', undefined), ask('b', 'm')]).toEqual([true, true, false, false]);
  });
});
