import type { Draft, DraftInput } from './env-providers.ts';
import { addressOf, type Settings, settingsOf } from './env-settings.ts';
import { envTargets } from './env-targets.ts';

type Lane = 'gpu' | 'cpu';

/** Its servers, side by side: a GPU lane, a CPU lane, and another one. */
export function draftOllama(input: DraftInput): readonly Draft[] {
  const { values, preset, first, trail, findings } = input;
  const { OLLAMA_GPU_URL, OLLAMA_CPU_URL, OLLAMA_BASE_URL: base, OLLAMA_HOST: host } = values;
  const local = first === 'ollama' ? values.LOCAL_INFERENCE_URL : undefined;
  if (local !== undefined && base !== undefined && addressOf(local) !== addressOf(base))
    findings.refuse(['LOCAL_INFERENCE_URL'], 'differs from OLLAMA_BASE_URL, and both say where Ollama is; unset one of them');
  const usualId = preset?.ids.ollama ?? envTargets.ollama.id;
  const servers: Server[] = [
    ...laneOf('gpu', 'OLLAMA_GPU_URL', OLLAMA_GPU_URL, preset?.lanes?.gpu),
    ...laneOf('cpu', 'OLLAMA_CPU_URL', OLLAMA_CPU_URL, preset?.lanes?.cpu),
  ];
  addServer(servers, usualId, 'LOCAL_INFERENCE_URL', local);
  addServer(servers, usualId, 'OLLAMA_BASE_URL', base);
  const [better] = servers.flatMap(({ names }) => names);
  if (servers.length > 0)
    trail.unused('OLLAMA_HOST', better === undefined ? presetSays : `${better} says where Ollama is, and stands before it`);
  else servers.push({ id: usualId, url: host, names: host === undefined ? [] : ['OLLAMA_HOST'] });
  const shared = sharedBy(input);
  // What INFERENCE_PROVIDER was given an address for goes before its siblings.
  const isFirst = ({ url }: Server): boolean => local !== undefined && url !== undefined && addressOf(url) === addressOf(local);
  const sorted = [...servers.filter(isFirst), ...servers.filter((server) => !isFirst(server))];
  const drafts = sorted.map((server) => toDraft(server, shared, input));
  if (!drafts.some(({ options }) => options.apiKey !== undefined)) trail.unused('OLLAMA_API_KEY', noCloud);
  return drafts;
}

const presetSays = 'the preset says where its two servers are; OLLAMA_GPU_URL and OLLAMA_CPU_URL can say otherwise';

const noCloud = 'it is sent to https addresses of Ollama only, like that of OLLAMA_HOST=ollama.com, and there is none';

interface Server {
  readonly id: string;
  readonly lane?: Lane;
  readonly url: string | undefined;
  /** The variables that say where it is. */
  readonly names: readonly string[];
}

function laneOf(lane: Lane, variable: string, url: string | undefined, assumed: string | undefined): Server[] {
  if (url !== undefined) return [{ id: lane, lane, url, names: [variable] }];
  return assumed === undefined ? [] : [{ id: lane, lane, url: assumed, names: [] }];
}

function addServer(servers: Server[], id: string, variable: string, url: string | undefined): void {
  if (url === undefined) return;
  const index = servers.findIndex((server) => server.url !== undefined && addressOf(server.url) === addressOf(url));
  const same = servers[index];
  // Two names for one server: the more specific one has told everything, and a preset nothing.
  if (same !== undefined) servers[index] = { ...same, url: same.names.length === 0 ? url : same.url, names: [...same.names, variable] };
  else if (!servers.some((server) => server.id === id)) servers.push({ id, url, names: [variable] });
}

/** What holds for all of them. */
function sharedBy({ values, trail, findings }: DraftInput): Settings {
  const { OLLAMA_NUM_PARALLEL: slots, OLLAMA_KEEP_ALIVE: keepAliveS } = values;
  const said = settingsOf('ollama', values, undefined, trail, findings);
  if (slots === 0) trail.unused('OLLAMA_NUM_PARALLEL', 'it is 0, which leaves the choice to the server');
  return {
    options: {
      ...(slots !== undefined && slots > 0 && { maxConcurrent: slots }),
      ...(keepAliveS !== undefined && { keepAliveS }),
      ...said.options,
    },
    from: [
      ...(slots !== undefined && slots > 0 ? [['OLLAMA_NUM_PARALLEL', 'maxConcurrent'] as const] : []),
      ...(keepAliveS === undefined ? [] : [['OLLAMA_KEEP_ALIVE', 'keepAliveS'] as const]),
      ...said.from,
    ],
  };
}

function toDraft({ id, lane, url, names }: Server, shared: Settings, { values, preset }: DraftInput): Draft {
  const { OLLAMA_API_KEY: apiKey } = values;
  // Servers on one's own machines ask for none, and this is the key of the cloud.
  const isAsked = apiKey !== undefined && url !== undefined && /^\s*https:/i.test(url);
  const own = { ...(url !== undefined && { url }), ...(lane !== undefined && { device: lane }), ...(isAsked && { apiKey }) };
  const from = [
    ...names.map((name) => [name, 'url'] as const),
    ...(isAsked ? [['OLLAMA_API_KEY', 'apiKey'] as const] : []),
    ...shared.from,
  ];
  const usual = structuredClone({ ...preset?.providers.ollama, ...shared.options });
  return { id, target: 'ollama', options: { type: 'ollama', ...usual, ...own }, from };
}
