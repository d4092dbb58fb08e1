import type { EnvVariable } from './env-table.ts';
import type { Trail } from './env-trail.ts';
import type { EnvProvider, EnvValues } from './env-values.ts';
import type { Findings } from './findings.ts';
import type { ProviderOptions } from './provider-options.ts';
import { parseProviderUrl } from './provider-url.ts';

/** A provider as the environment describes it, and the variable behind each of its options. */
export interface Draft {
  readonly id: string;
  readonly options: ProviderOptions;
  readonly from: readonly (readonly [EnvVariable, string])[];
}

/** What each provider would be if it were used. `ollama` may be several servers, side by side. */
export function draftProviders(values: EnvValues, trail: Trail, findings: Findings): Readonly<Record<EnvProvider, readonly Draft[]>> {
  const { LOCAL_INFERENCE_URL: url, INFERENCE_PROVIDER: first } = values;
  if (url !== undefined && first === undefined && !findings.refused(['INFERENCE_PROVIDER'])) {
    findings.refuse(['LOCAL_INFERENCE_URL'], 'does not say which server it is; set INFERENCE_PROVIDER to ollama, vllm or llamacpp');
  }
  const belongs = 'it belongs to a local provider that goes first, and none does';
  trail.unused('LOCAL_INFERENCE_URL', `${belongs}; OLLAMA_BASE_URL says where Ollama is`);
  trail.unused('LOCAL_MODEL_NAME', belongs);
  if (values.OLLAMA_NUM_PARALLEL === 0) trail.unused('OLLAMA_NUM_PARALLEL', 'it is 0, which leaves the choice to the server');
  // One address belongs to one server: in a chain the others keep their usual ones.
  const local = (type: 'vllm' | 'llamacpp'): Draft => draft(type, type, ['LOCAL_INFERENCE_URL', first === type ? url : undefined]);
  return {
    openai: [openai(values, findings)],
    ollama: ollama(values, trail, findings).map((server) => withSlots(server, values.OLLAMA_NUM_PARALLEL)),
    vllm: [local('vllm')],
    llamacpp: [local('llamacpp')],
  };
}

function draft(id: string, type: ProviderOptions['type'], [variable, url]: readonly [EnvVariable, string | undefined]): Draft {
  if (url === undefined) return { id, options: { type }, from: [] };
  return { id, options: { type, url }, from: [[variable, `providers.${id}.url`]] };
}

function openai(values: EnvValues, findings: Findings): Draft {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: url, OPENAI_API_BASE: oldUrl } = values;
  if (differ(url, oldUrl))
    findings.refuse(['OPENAI_BASE_URL'], 'differs from OPENAI_API_BASE, and both say where OpenAI is; unset one of them');
  const { options, from } = draft('openai', 'openai', url === undefined ? ['OPENAI_API_BASE', oldUrl] : ['OPENAI_BASE_URL', url]);
  return {
    id: 'openai',
    options: { ...options, ...(apiKey !== undefined && { apiKey }) },
    from: [
      ...from,
      ...(url !== undefined && oldUrl !== undefined ? [['OPENAI_API_BASE', 'providers.openai.url'] as const] : []),
      ...(apiKey === undefined ? [] : [['OPENAI_API_KEY', 'providers.openai.apiKey'] as const]),
    ],
  };
}

function ollama(values: EnvValues, trail: Trail, findings: Findings): readonly Draft[] {
  const { OLLAMA_GPU_URL: gpu, OLLAMA_CPU_URL: cpu, OLLAMA_BASE_URL: base, OLLAMA_HOST: host } = values;
  const local = values.INFERENCE_PROVIDER === 'ollama' ? values.LOCAL_INFERENCE_URL : undefined;
  if (differ(local, base))
    findings.refuse(['LOCAL_INFERENCE_URL'], 'differs from OLLAMA_BASE_URL, and both say where Ollama is; unset one of them');
  const drafts: Draft[] = [];
  const add = (id: string, variable: EnvVariable, url: string | undefined): void => {
    if (url === undefined) return;
    const same = drafts.find(({ options }) => id === 'ollama' && !differ(options.url, url));
    if (same === undefined) drafts.push(withDevice(draft(id, 'ollama', [variable, url])));
    // Two names for one server: the more specific one has told everything.
    else drafts[drafts.indexOf(same)] = { ...same, from: [...same.from, [variable, `providers.${same.id}.url`]] };
  };
  add('gpu', 'OLLAMA_GPU_URL', gpu);
  add('cpu', 'OLLAMA_CPU_URL', cpu);
  add('ollama', 'LOCAL_INFERENCE_URL', local);
  add('ollama', 'OLLAMA_BASE_URL', base);
  if (drafts.length === 0) return [draft('ollama', 'ollama', ['OLLAMA_HOST', host])];
  trail.unused('OLLAMA_HOST', 'a variable of higher rank says where Ollama is');
  // What INFERENCE_PROVIDER was given an address for goes before its siblings.
  const isFirst = ({ options }: Draft): boolean => local !== undefined && !differ(options.url, local);
  return [...drafts.filter(isFirst), ...drafts.filter((other) => !isFirst(other))];
}

function withDevice({ id, options, from }: Draft): Draft {
  return id === 'gpu' || id === 'cpu' ? { id, options: { ...options, device: id }, from } : { id, options, from };
}

function withSlots({ id, options, from }: Draft, slots: number | undefined): Draft {
  if (slots === undefined || slots === 0) return { id, options, from };
  return { id, options: { ...options, maxConcurrent: slots }, from: [...from, ['OLLAMA_NUM_PARALLEL', `providers.${id}.maxConcurrent`]] };
}

/** Whether two variables name two servers; spelling does not count, nor does one that is not set. */
function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && addressOf(one) !== addressOf(other);
}

function addressOf(text: string): string {
  const result = parseProviderUrl(text);
  return 'parsed' in result ? `${result.parsed.url} ${result.parsed.authorization ?? ''}` : text;
}
