/** One line of figures. */
export interface Sample {
  /** As it stands: with `_bucket`, `_sum` or `_count` where it is one of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"`;
const sampleLine: RegExp = new RegExp(String.raw`^(${name})(?:\{(${label}(?:,${label})*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$`);

/**
 * The families of a text in Prometheus' format 0.0.4, read as strictly as its documentation is written.
 * @throws where a line is none, a family has no help or type, or two samples are the same one.
 */
export function readExposition(text: string): readonly Family[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families: { name: string; type: string; help: string; samples: Sample[] }[] = [];
  const seen = new Set<string>();
  let help: readonly [string, string] | undefined;
  for (const line of text.split('\n')) {
    const [, kind, of = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${name}) (.+)$`).exec(line) ?? [];
    if (line === '') continue;
    if (kind === 'HELP') help = [of, rest];
    else if (kind === 'TYPE') {
      if (help?.[0] !== of) throw new Error(`${of} has no help`);
      if (families.some((family) => family.name === of)) throw new Error(`${of} is there twice`);
      families.push({ name: of, type: rest, help: help[1], samples: [] });
    } else {
      const sample = readSample(line);
      const family = families.at(-1);
      if (family === undefined || !namesOf(family).includes(sample.name)) throw new Error(`${sample.name} stands in no family of its own`);
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()]);
      if (seen.has(key)) throw new Error(`two samples are ${key}`);
      seen.add(key);
      family.samples.push(sample);
    }
  }
  return families;
}

function namesOf(family: Pick<Family, 'name' | 'type'>): readonly string[] {
  return family.type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => family.name + end) : [family.name];
}

function readSample(line: string): Sample {
  const [, of, given, value] = sampleLine.exec(line) ?? [];
  if (of === undefined) throw new Error(`no sample: ${line.slice(0, 200)}`);
  const pairs = Array.from((given ?? '').matchAll(new RegExp(label, 'g')), ([pair]): [string, string] => {
    const [key = '', ...quoted] = pair.split('=');
    return [
      key,
      quoted
        .join('=')
        .slice(1, -1)
        .replaceAll(/\\([\\n"])/g, (_, char: string) => (char === 'n' ? '\n' : char)),
    ];
  });
  if (new Set(pairs.map(([key]) => key)).size < pairs.length) throw new Error(`a label is there twice: ${line.slice(0, 200)}`);
  return { name: of, labels: Object.fromEntries(pairs), value: Number(value?.replace('Inf', 'Infinity')) };
}

/** The samples that have these labels, maybe among others. */
export function samplesOf(families: readonly Family[], of: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
  return families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === of && Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
}

/** Their sum; undefined where there is none. */
export function valueOf(families: readonly Family[], of: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const found = samplesOf(families, of, labels);
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
