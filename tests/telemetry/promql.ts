/** The part of PromQL that the dashboard speaks. */
export type Expression =
  | { readonly is: 'number'; readonly value: number }
  | { readonly is: 'select'; readonly name: string; readonly matchers: readonly Matcher[]; readonly isRange: boolean }
  | { readonly is: 'call'; readonly function: 'rate' | 'histogram_quantile'; readonly args: readonly Expression[] }
  | { readonly is: 'aggregate'; readonly by: readonly string[]; readonly operator: 'sum' | 'max' | 'min'; readonly of: Expression }
  | { readonly is: 'binary'; readonly operator: '*' | '/'; readonly left: Expression; readonly right: Expression };

export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

const token = /\s*(\[\$__rate_interval\]|"(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9.]+|=~|!~|!=|[=(){},*/])/y;

/** @throws where it is written in another way than the dashboard is. */
export function parsePromql(text: string): Expression {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(text)?.[1];
    if (found === undefined) throw new Error(`not understood: ${text.slice(at)}`);
    tokens.push(found);
  }
  const take = (wanted?: string): string => {
    const next = tokens.shift();
    if (next === undefined || (wanted !== undefined && next !== wanted)) throw new Error(`${wanted ?? 'more'} is missing in ${text}`);
    return next;
  };
  const list = (): readonly string[] => {
    const names: string[] = [];
    for (take('('); ; take(',')) {
      names.push(take());
      if (tokens[0] === ')') break;
    }
    take(')');
    return names;
  };
  const args = (): readonly Expression[] => {
    const all: Expression[] = [];
    for (take('('); ; take(',')) {
      all.push(product());
      if (tokens[0] === ')') break;
    }
    take(')');
    return all;
  };
  const matchers = (): readonly Matcher[] => {
    const all: Matcher[] = [];
    if (tokens[0] !== '{') return all;
    for (let sign = take('{'); sign !== '}'; sign = take()) {
      all.push({ label: take(), operator: take() as Matcher['operator'], value: JSON.parse(take()) as string });
    }
    return all;
  };
  const term = (): Expression => {
    const first = take();
    if (/^[0-9.]/.test(first)) return { is: 'number', value: Number(first) };
    if (first === 'rate' || first === 'histogram_quantile') return { is: 'call', function: first, args: args() };
    if (first === 'sum' || first === 'max' || first === 'min') {
      const by = tokens[0] === 'by' ? (take('by'), list()) : [];
      const [of] = args();
      if (of === undefined) throw new Error(`nothing to add up in ${text}`);
      return { is: 'aggregate', by, operator: first, of };
    }
    const selected = matchers();
    const isRange = tokens[0]?.startsWith('[') === true;
    if (isRange) take();
    return { is: 'select', name: first, matchers: selected, isRange };
  };
  const product = (): Expression => {
    let left = term();
    while (tokens[0] === '*' || tokens[0] === '/') left = { is: 'binary', operator: take() as '*' | '/', left, right: term() };
    return left;
  };
  const whole = product();
  if (tokens.length > 0) throw new Error(`too much in ${text}: ${tokens.join(' ')}`);
  return whole;
}

/** Each metric of an expression, with the labels that are asked of it on the way up. */
export function metricsIn(expression: Expression, by: readonly string[] = []): readonly { name: string; labels: readonly string[] }[] {
  switch (expression.is) {
    case 'number':
      return [];
    case 'select':
      return [{ name: expression.name, labels: [...by, ...expression.matchers.map(({ label }) => label)] }];
    case 'call':
      return expression.args.flatMap((each) => metricsIn(each, expression.function === 'histogram_quantile' ? [...by, 'le'] : by));
    case 'aggregate':
      return metricsIn(expression.of, [...by, ...expression.by]);
    case 'binary':
      return [...metricsIn(expression.left, by), ...metricsIn(expression.right, by)];
  }
}
