/** Who is asked for what. */
export interface Case {
  readonly id: string;
  readonly providers: number;
  readonly type: 'vllm' | 'llamacpp';
  /** Each with a name at the first three providers. */
  readonly aliases: number;
  /** An alias, the same in each call or another; or one or two of the names that the providers have themselves. */
  readonly asksFor: 'one alias' | 'aliases in turn' | 'one name' | 'two names in turn';
  /** Providers are asked how they are, in the background, as by default. */
  readonly isWatched: boolean;
}

const many = 10_000;

function caseOf(id: string, given: Partial<Omit<Case, 'id'>>): Case {
  return { id, providers: 3, type: 'vllm', aliases: 0, asksFor: 'one name', isWatched: false, ...given };
}

export const one: Case = caseOf('1', { providers: 1 });
export const more: readonly Case[] = [3, 10, 50, 200].map((providers) => caseOf(`${providers}`, { providers }));
const watched = caseOf('200 watched', { providers: 200, isWatched: true });

/** Two cases that differ in one thing. */
export interface Comparison {
  readonly about: string;
  readonly with: Case;
  readonly without: Case;
  /** What a plan may cost is the most that it may add. */
  readonly hasGoal: boolean;
}

const few3 = caseOf('3, 1 alias', { aliases: 1, asksFor: 'one alias' });
const few200 = caseOf('200, 1 alias', { providers: 200, aliases: 1, asksFor: 'one alias' });
const fewNames = caseOf('3 llamacpp, 2 aliases', { type: 'llamacpp', aliases: 2, asksFor: 'two names in turn' });

export const comparisons: readonly Comparison[] = [
  {
    about: '10,000 aliases instead of 1, always the same one is asked for',
    with: caseOf('3, many aliases', { aliases: many, asksFor: 'one alias' }),
    without: few3,
    hasGoal: true,
  },
  {
    about: '10,000 aliases instead of 1, each is asked for in turn',
    with: caseOf('3, many aliases in turn', { aliases: many, asksFor: 'aliases in turn' }),
    without: few3,
    hasGoal: true,
  },
  {
    about: '10,000 aliases instead of none, a name that is none of them is asked for',
    with: caseOf('3, many aliases, a name', { aliases: many }),
    without: more[0] ?? one,
    hasGoal: true,
  },
  {
    about: '10,000 aliases instead of 2, two names that are none of them in turn, providers of the type `llamacpp`',
    with: caseOf('3 llamacpp, many aliases', { type: 'llamacpp', aliases: many, asksFor: 'two names in turn' }),
    without: fewNames,
    hasGoal: true,
  },
  {
    about: '10,000 aliases instead of 1, always the same one is asked for',
    with: caseOf('200, many aliases', { providers: 200, aliases: many, asksFor: 'one alias' }),
    without: few200,
    hasGoal: true,
  },
  {
    about: 'an alias that 3 of 200 providers have, instead of a name that none is known not to have',
    with: few200,
    without: more.at(-1) ?? one,
    hasGoal: false,
  },
  {
    about: 'health and load asked for in the background, as by default',
    with: watched,
    without: more.at(-1) ?? one,
    hasGoal: false,
  },
];

export const cases: readonly Case[] = [
  ...new Map(
    [one, ...more, ...comparisons.flatMap((each) => [each.without, each.with])].map((each): [string, Case] => [each.id, each]),
  ).values(),
];
