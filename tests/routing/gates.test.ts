import { describe, expect, test } from 'vitest';
import { noCapabilities } from '../../src/core/capabilities.ts';
import { distanceOf, localities, type Locality } from '../../src/core/locality.ts';
import { type Asked, type Described, facts, planned } from '../_kit/candidates.ts';

/** Why one candidate is left out; undefined where it is not. */
function refusal(other: Partial<Described>, asked: Asked = {}): string | undefined {
  const { order, skipped } = planned([facts('it', other)], asked);
  expect([...order, ...skipped]).toHaveLength(1);
  return skipped[0]?.slice('it: '.length);
}

const lies = (locality: Locality): Partial<Described> => ({ locality, distance: distanceOf(locality) });
const limit = (maxLocality: Locality): Asked => ({ maxLocality, maxDistance: distanceOf(maxLocality) });

describe('what a candidate has to be able to do', () => {
  test.each(['chat', 'stream', 'embed'] as const)('it has the verb: %s', (verb) => {
    const all = { chat: true, stream: true, embed: true };
    expect(refusal({ verbs: { ...all, [verb]: false } }, { verb })).toBe(`unsupported, cannot ${verb}`);
    expect(refusal({ verbs: { chat: false, stream: false, embed: false, [verb]: true } }, { verb })).toBeUndefined();
  });

  test('it has every feature, and the ones that it lacks are named', () => {
    const needs = ['tools', 'vision', 'choices'] as const;
    expect(refusal({ capabilities: { ...noCapabilities, vision: true } }, { needs })).toBe('unsupported, lacks tools, choices');
    expect(refusal({ capabilities: { ...noCapabilities, tools: true, vision: true, choices: true } }, { needs })).toBeUndefined();
  });

  test('it has a place for parameters that must not be left out', () => {
    const leftOut = ['seed', 'user'] as const;
    expect(refusal({ leftOut }, { parameters: ['stop', 'seed', 'user'] })).toBe('unsupported, has no place for seed, user');
    expect(refusal({ leftOut }, { parameters: ['stop'] })).toBeUndefined();
  });

  test('it has the model, and nothing that its configuration says against it', () => {
    expect(refusal({ missing: 'it does not list "m"' })).toBe('model_not_found, it does not list "m"');
    expect(refusal({ refusal: { code: 'embedding_space', reason: 'its vectors differ' } })).toBe('embedding_space, its vectors differ');
  });

  test('a prompt that surely does not fit is refused, one that may fit is not', () => {
    expect(refusal({ window: 1_000 }, { textTokens: 2_500 })).toBe('context_length, holds 1000 tokens, and the prompt has at least 1250');
    expect(refusal({ window: 1_000 }, { textTokens: 1_900 })).toBeUndefined();
    expect(refusal({ window: undefined }, { textTokens: 1e9 })).toBeUndefined();
    // What the server counted before moves the bound.
    const tokenRatio = { mean: 2, deviation: 0.01, weight: 50 };
    expect(refusal({ window: 1_000, tokenRatio }, { textTokens: 1_200 })).toBe(
      'context_length, holds 1000 tokens, and the prompt has at least 1020',
    );
  });
});

describe('where a request may go', () => {
  const pairs = localities.flatMap((from) => localities.map((to) => [from, to] as const));

  test.each(pairs)('from "%s" as the limit to a provider in "%s"', (maxLocality, locality) => {
    const isNear = localities.indexOf(locality) <= localities.indexOf(maxLocality);
    expect(refusal(lies(locality), limit(maxLocality))).toBe(
      isNear ? undefined : `no_provider, lies in "${locality}", and maxLocality is "${maxLocality}"`,
    );
  });

  test('what is no locality lies beyond every limit', () => {
    const nowhere = 'moon' as Locality;
    expect(distanceOf(nowhere)).toBe(Infinity);
    expect(refusal(lies(nowhere), limit('cloud'))).toBe('no_provider, lies in "moon", and maxLocality is "cloud"');
    expect(refusal({ distance: NaN }, limit('cloud'))).toMatch(/^no_provider, lies in/);
    expect(refusal(lies('process'), { ...limit('process'), maxDistance: NaN })).toMatch(/^no_provider, lies in/);
  });

  test('naming the provider is no way past it, nor is any consent to pay', () => {
    const asked = { ...limit('host'), only: 'it', pays: 'any' } as const;
    expect(refusal({ ...lies('cloud'), cost: 'paid' }, asked)).toBe('no_provider, lies in "cloud", and maxLocality is "host"');
  });
});

describe('what may be paid', () => {
  const noConsent = 'no_provider, costs money, and allowPaid is false';

  test.each<[string, Asked, boolean]>([
    ['nobody may be paid', { pays: 'nobody' }, false],
    ['anybody may be', { pays: 'any' }, true],
    ['those may be that the order names, and it names none', { pays: 'named' }, false],
    ['those may be that the order names, and it names this one', { pays: 'named', order: [['gpu'], ['it']] }, true],
    ['those may be that the order names, and it names another one', { pays: 'named', order: [['its'], ['gpu']] }, false],
    ['the order names it, and nobody may be', { pays: 'nobody', order: [['it'], ['gpu']] }, false],
    ['the call names it', { pays: 'named', only: 'it' }, true],
    ['the call names it, and says that nobody may be', { pays: 'nobody', only: 'it' }, false],
  ])('a paid provider, where %s', (_, asked, mayBePaid) => {
    expect(refusal({ cost: 'paid' }, asked)).toBe(mayBePaid ? undefined : noConsent);
    expect(refusal({ cost: 'free' }, asked)).toBeUndefined();
  });

  test('the name of a device in the order is no consent to pay a provider of that name', () => {
    const order = [['gpu'], ['cpu']];
    expect(planned([facts('gpu', { cost: 'paid' })], { pays: 'named', order }).order).toEqual([]);
  });
});

describe('what an attempt may cost', () => {
  const price = { inputPerMillionUsd: 1, outputPerMillionUsd: 10 };
  const paid = { cost: 'paid', price } as const;
  /** At most 250 tokens of prompt and 100 of answer: 0.00125 $. */
  const asked = { pays: 'any', promptTokens: 100, answerTokens: 100 } as const;

  test.each([
    [0.00125, undefined],
    [0.0012, 'no_provider, may cost $0.0013, and maxCostUsd is $0.0012'],
    [1e-9, 'no_provider, may cost $0.0013, and maxCostUsd is $1.0e-9'],
  ])('up to a limit of %d $ by its longest answer and the most tokens that the prompt may have', (maxCostUsd, expected) => {
    expect(refusal(paid, { ...asked, maxCostUsd })).toBe(expected);
  });

  test('an image is reckoned as what the dearest model makes of the largest one, and no text is', () => {
    const capabilities = { ...noCapabilities, vision: true };
    const seen = { ...asked, promptTokens: 900, textTokens: 100, needs: ['vision'] } as const;
    // 48,169 tokens of an image, 250 of text and 100 of answer.
    const most = (48_169 + 250 + 10 * 100) / 1e6;
    expect(refusal({ ...paid, capabilities }, { ...seen, maxCostUsd: most })).toMatch(/^no_provider, may cost/);
    expect(refusal({ ...paid, capabilities }, { ...seen, maxCostUsd: 1.02 * most })).toBeUndefined();
    expect(refusal(paid, { ...seen, needs: [], maxCostUsd: 0.004 })).toBeUndefined();
  });

  test.each(['tools', 'jsonSchema'] as const)('what a server says of its own before %s is reckoned with', (feature) => {
    const capabilities = { ...noCapabilities, [feature]: true };
    expect(refusal({ ...paid, capabilities }, { ...asked, needs: [feature], maxCostUsd: 0.00125 + 530e-6 })).toMatch(/may cost/);
    expect(refusal({ ...paid, capabilities }, { ...asked, needs: [feature], maxCostUsd: 0.00125 + 650e-6 })).toBeUndefined();
  });

  test('a price that is not known is above every limit', () => {
    expect(refusal({ ...paid, price: undefined }, { ...asked, maxCostUsd: 1e9 })).toBe(
      'no_provider, its price is not known, and maxCostUsd is set',
    );
  });

  test.each([NaN, Infinity])('a price of %d is above every limit', (inputPerMillionUsd) => {
    expect(refusal({ ...paid, price: { ...price, inputPerMillionUsd } }, { ...asked, maxCostUsd: 1e9 })).toMatch(/^no_provider, may cost/);
  });

  test('an answer without a bound is above every limit, and vectors have no answer', () => {
    const boundless = { ...asked, answerTokens: undefined, maxCostUsd: 1e9 };
    expect(refusal(paid, boundless)).toBe('no_provider, its cost has no bound: maxCostUsd needs max_tokens in the request');
    expect(refusal(paid, { ...boundless, verb: 'embed' })).toBeUndefined();
    expect(refusal(paid, { ...boundless, verb: 'embed', maxCostUsd: 0.0002 })).toMatch(/^no_provider, may cost \$0\.00025/);
  });

  test('an answer whose bound the provider would leave out is above every limit', () => {
    expect(refusal({ ...paid, leftOut: ['max_tokens'] }, { ...asked, maxCostUsd: 1e9 })).toMatch(/its cost has no bound/);
    expect(refusal({ ...paid, leftOut: ['max_tokens'] }, asked)).toBeUndefined();
  });

  test('the limit holds for those that are named as well, and is no consent', () => {
    expect(refusal(paid, { ...asked, pays: 'named', only: 'it', maxCostUsd: 1e-6 })).toMatch(/^no_provider, may cost/);
    expect(refusal(paid, { ...asked, pays: 'nobody', maxCostUsd: 1 })).toBe('no_provider, costs money, and allowPaid is false');
  });

  test('whatever is free is within every limit', () => {
    expect(refusal({ cost: 'free' }, { promptTokens: 1e6, maxCostUsd: 1e-9 })).toBeUndefined();
  });
});

test('of several obstacles the one that is hardest to lift is told', () => {
  const obstacles: readonly (readonly [string, Partial<Described>])[] = [
    ['cannot chat', { verbs: { chat: false, stream: true, embed: true } }],
    ['lacks tools', {}],
    ['has no place for seed', { leftOut: ['seed'] }],
    ['not here', { missing: 'not here' }],
    ['too large', { refusal: { code: 'unsupported', reason: 'too large' } }],
    ['lies in "cloud", and maxLocality is "host"', lies('cloud')],
    ['costs money, and allowPaid is false', { cost: 'paid' }],
    ['holds 10 tokens, and the prompt has at least 2500', { window: 10 }],
    ['its credentials were refused', { disabled: 'its credentials were refused' }],
    ['the model ran out of memory there', { pinnedUntilMs: 9 }],
    ['its breaker is open', { openUntilMs: 9 }],
    ['it has no room now', { rests: { untilMs: 9, reason: 'overloaded' } }],
  ];
  const asked: Asked = { ...limit('host'), needs: ['tools'], parameters: ['seed'], textTokens: 5_000 };
  const able = { capabilities: { ...noCapabilities, tools: true } };
  for (const [index, [reason]] of obstacles.entries()) {
    const left = Object.assign(index > 1 ? { ...able } : {}, ...obstacles.slice(index).map(([, other]) => other)) as Partial<Described>;
    // A pin that nobody else stands beside is put to the test, so somebody does.
    const { skipped } = planned([facts('it', left), facts('other', able)], asked);
    expect(skipped[0]).toMatch(new RegExp(`^it: [a-z_]+, ${reason}$`));
  }
});

describe('what is told of a candidate that is left out', () => {
  test('a cost of many dollars is told in full, and one of less than a cent to two digits', () => {
    const price = { inputPerMillionUsd: 1, outputPerMillionUsd: 1_000_000 };
    const asked = { pays: 'any', answerTokens: 1_234, maxCostUsd: 0.0012 } as const;
    expect(refusal({ cost: 'paid', price }, asked)).toBe('no_provider, may cost $1234.000, and maxCostUsd is $0.0012');
  });

  test('a prompt that fills the window is refused, for no answer has a place beside it', () => {
    expect(refusal({ window: 1_000 }, { textTokens: 2_000 })).toBe('context_length, holds 1000 tokens, and the prompt has at least 1000');
  });

  test('a provider that is let recover is told apart from one that is shut out', () => {
    const reason = 'it may have recovered, which few calls at a time find out';
    expect(refusal({ openUntilMs: 9, isRecovering: true })).toBe(`circuit_open, ${reason}`);
  });
});
