import { allRows } from './env-settings.ts';
import type { Draft, Drafts } from './env-providers.ts';
import type { Selection } from './env-selection.ts';
import { type EnvTarget, envTargets, orderNames } from './env-targets.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import type { Findings } from './findings.ts';
import { didYouMean } from './nearest.ts';
import type { Preset } from './presets.ts';

export interface OrderInput {
  readonly values: EnvValues;
  readonly preset: Preset | undefined;
  readonly selection: Selection;
  readonly drafts: Drafts;
  /** The switch by which only the first provider is used. */
  readonly offBy: string | undefined;
  readonly trail: Trail;
  readonly findings: Findings;
}

/** A place in the order: those that stand there side by side, and the variable that names them. */
export interface Step {
  readonly drafts: readonly Draft[];
  readonly by: string | undefined;
}

/** Who goes first, who second. */
export function planSteps(input: OrderInput): readonly Step[] {
  const { values, offBy, trail } = input;
  if (offBy !== undefined) noteOthers(`${offBy} is false, so only the first provider is used`, trail);
  const all = values.PROVIDER_ORDER === undefined ? selectedSteps(input) : listedSteps(values.PROVIDER_ORDER, input);
  const steps = offBy === undefined ? all : all.slice(0, 1).map(({ drafts, by }) => ({ drafts: drafts.slice(0, 1), by }));
  for (const { drafts, by } of steps) {
    refuseSwitchedOff(drafts, by, input);
    refuseIncomplete(drafts, by, input);
  }
  noteAbsent(values, trail);
  return steps;
}

function selectedSteps({ values, preset, selection, drafts, offBy, trail, findings }: OrderInput): readonly Step[] {
  const { firstBy, chain, chainBy } = selection;
  const present = presentTargets(values, preset, trail);
  const usual = preset?.first ?? (chain === undefined ? present[0] : present.find((target) => canLead(target, chain, chainBy)));
  const first = selection.first ?? usual;
  if (first === undefined) {
    if (chain !== undefined && !findings.refused([firstBy]) && !findings.refused(['INFERENCE_PROVIDER']))
      findings.refuse(
        [chainBy],
        `says who stands behind the first provider; say in ${chainBy === 'FALLBACK_CHAIN' ? 'INFERENCE_PROVIDER' : 'PRIMARY_BACKEND'} who that is`,
      );
    return [];
  }
  if (selection.first !== undefined) trail.sets(firstBy, `providers.${drafts[first][0]?.id}.priority`);
  if (chain?.includes(first)) findings.warn([chainBy], `names ${first}, which goes first; it is tried once`);
  if (chain !== undefined && offBy === undefined) {
    trail.sets(chainBy, 'providers');
    noteOthers(`${chainBy} does not name its provider`, trail);
  }
  if (preset !== undefined) noteOthers('the preset does not use its provider; PROVIDER_ORDER can name it', trail);
  const rest = (chain ?? (preset?.follows === 'named' ? [] : present)).filter((target) => target !== first);
  const by = (target: EnvTarget): string | undefined => {
    if (target === selection.first) return firstBy;
    // Who takes this preset takes its first provider, as if it were named.
    if (target === first && target === preset?.first) return 'INFERLANE_PRESET';
    return chain?.includes(target) ? chainBy : undefined;
  };
  return [first, ...rest].map((target) => ({ drafts: drafts[target], by: by(target) }));
}

/** A chain without a first one stands behind the servers of Ollama that variables describe, or behind whoever is not in it. */
function canLead(target: EnvTarget, chain: readonly EnvTarget[], chainBy: Selection['chainBy']): boolean {
  return chainBy === 'FALLBACK_CHAIN' ? target === 'ollama' : !chain.includes(target);
}

/** Those that a variable of their own speaks of or the preset takes for granted, what costs money last. */
function presentTargets(values: EnvValues, preset: Preset | undefined, trail: Trail): readonly EnvTarget[] {
  for (const flag of ['ENABLE_GPU_ACCELERATION', 'ENABLE_TOGETHER_AI'] as const) {
    if (values[flag] === false) trail.sets(flag, 'providers');
    else trail.unused(flag, 'it is true, as where it is not set');
  }
  const order = preset?.order ?? (Object.keys(envTargets) as EnvTarget[]);
  return order.filter((target) => {
    const flag = switchedOffBy(target, values);
    for (const [variable] of flag === undefined ? [] : rowsOf(target)) trail.unused(variable, `${flag} is false`);
    if (flag !== undefined) return false;
    return preset?.assumed.includes(target) === true || isDescribed(target, values);
  });
}

/** The variables that speak of this one only. */
function rowsOf(target: EnvTarget): typeof allRows {
  return allRows.filter(([, { of }]) => of.every((each) => each === target));
}

/** They say how its servers are used, and not that one is there. */
const ollamaVariables = ['OLLAMA_API_KEY', 'OLLAMA_NUM_PARALLEL', 'OLLAMA_KEEP_ALIVE'] as const;

/** The reason where nothing else was one: what a variable speaks of is not there. */
function noteAbsent(values: EnvValues, trail: Trail): void {
  for (const target of (Object.keys(envTargets) as EnvTarget[]).filter((each) => !isDescribed(each, values))) {
    const describing = rowsOf(target).flatMap(([variable, { describes }]) => (describes ? [variable] : []));
    const [by = target === 'ollama' ? 'OLLAMA_BASE_URL' : 'PROVIDER_ORDER'] = describing;
    const all = [...rowsOf(target).map(([variable]) => variable), ...(target === 'ollama' ? ollamaVariables : [])];
    for (const variable of all)
      trail.unused(variable, `it is for ${envTargets[target].title}, and no variable says that this is there; ${by} can`);
  }
  for (const [variable, { of }] of allRows.filter(([, row]) => row.of.length > 1))
    trail.unused(variable, `it is for ${of.map((target) => envTargets[target].title).join(', ')}, and none of these is used`);
}

function isDescribed(target: EnvTarget, values: EnvValues): boolean {
  const { OLLAMA_GPU_URL, OLLAMA_CPU_URL, OLLAMA_BASE_URL, OLLAMA_HOST, settings, endpoints } = values;
  if (target === 'ollama') return (OLLAMA_GPU_URL ?? OLLAMA_CPU_URL ?? OLLAMA_BASE_URL ?? OLLAMA_HOST) !== undefined;
  if (target === 'tgi') return endpoints.size > 0;
  return allRows.some(([variable, { of, describes }]) => describes && of.includes(target) && settings.has(variable));
}

/** The switch that says that it is not to be used. */
function switchedOffBy(target: EnvTarget, values: EnvValues): 'ENABLE_GPU_ACCELERATION' | 'ENABLE_TOGETHER_AI' | undefined {
  if (target === 'nvidia' && values.ENABLE_GPU_ACCELERATION === false) return 'ENABLE_GPU_ACCELERATION';
  return target === 'together' && values.ENABLE_TOGETHER_AI === false ? 'ENABLE_TOGETHER_AI' : undefined;
}

function refuseSwitchedOff(drafts: readonly Draft[], by: string | undefined, { values, findings }: OrderInput): void {
  for (const { id, target } of drafts) {
    const flag = switchedOffBy(target, values);
    if (flag !== undefined) findings.refuse([flag], `is false, but ${by} names ${id}; change one of the two`);
  }
}

function refuseIncomplete(drafts: readonly Draft[], by: string | undefined, { findings }: OrderInput): void {
  for (const { id, target, options } of drafts) {
    const { needs } = envTargets[target];
    const isComplete = needs === undefined || (options.url ?? options.modelPath ?? options.embeddingModel) !== undefined;
    if (!isComplete && !findings.refused([needs])) findings.refuse([needs], `is missing: ${by} names ${id}, which needs it`);
  }
}

/** PROVIDER_ORDER: each entry is a step of its own. */
function listedSteps(names: readonly string[], { selection, drafts, trail, findings }: OrderInput): readonly Step[] {
  const used = new Set<Draft>();
  const steps: Step[] = [];
  for (const [index, name] of names.entries()) {
    const found = draftsNamed(name, drafts);
    if (found === undefined) {
      refuseEntry(index + 1, name, drafts, findings);
      continue;
    }
    if (found.some((draft) => used.has(draft)))
      findings.refuse(['PROVIDER_ORDER'], `entry ${index + 1} is there twice; each provider belongs there once`);
    else steps.push({ drafts: found, by: 'PROVIDER_ORDER' });
    for (const draft of found) used.add(draft);
  }
  trail.sets('PROVIDER_ORDER', 'providers');
  noteOthers('PROVIDER_ORDER does not name its provider', trail);
  trail.unused(selection.chainBy, 'PROVIDER_ORDER says it');
  trail.unused(selection.firstBy, 'PROVIDER_ORDER says the same');
  if (selection.first !== undefined && steps[0]?.drafts[0]?.target !== selection.first)
    findings.refuse([selection.firstBy], 'names another first provider than PROVIDER_ORDER does; unset one of them');
  for (const flag of ['ENABLE_GPU_ACCELERATION', 'ENABLE_TOGETHER_AI']) trail.unused(flag, 'PROVIDER_ORDER says who is used');
  return steps;
}

function refuseEntry(number: number, name: string, drafts: Drafts, findings: Findings): void {
  if (name === 'gpu') return findings.refuse(['OLLAMA_GPU_URL'], 'is missing: PROVIDER_ORDER names gpu, which needs it');
  const known = [...new Set([...orderNames, ...drafts.tgi.map(({ id }) => id)])];
  findings.refuse(
    ['PROVIDER_ORDER'],
    `entry ${number} is no name of a provider here${didYouMean(name, known)}; known are ${known.join(', ')}`,
  );
}

/** `cpu` is the CPU server of Ollama where there is one, else the model in this process. */
function draftsNamed(name: string, drafts: Drafts): readonly Draft[] | undefined {
  const one = [...drafts.ollama, ...drafts.tgi].find(({ id }) => id === name);
  const isLane = one !== undefined && (name === 'gpu' || name === 'cpu' || one.target === 'tgi');
  if (isLane) return [one];
  const target = (Object.keys(envTargets) as EnvTarget[]).find((each) => envTargets[each].names.includes(name));
  return target && drafts[target];
}

/** The reason for all variables that describe a provider and are not used. */
function noteOthers(note: string, trail: Trail): void {
  const named = [
    'FALLBACK_CHAIN',
    'SECONDARY_BACKEND',
    'OLLAMA_GPU_URL',
    'OLLAMA_CPU_URL',
    'OLLAMA_BASE_URL',
    'OLLAMA_HOST',
    ...ollamaVariables,
  ];
  for (const variable of [...named, ...allRows.map(([each]) => each)]) trail.unused(variable, note);
}
