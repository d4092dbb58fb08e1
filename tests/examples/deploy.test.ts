import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metadataRows } from '../../src/config/env-metadata-rows.ts';
import { envTable } from '../../src/config/env-table.ts';
import { createRouter, fromEnv, fromJson, type RouterOptions } from '../../src/index.ts';
import { classifyResponse } from '../../src/lib/classify.ts';
import { loopback } from '../_kit/loopback.ts';

const deploy = new URL('../../examples/deploy/', import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(deploy, path), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'inferlane-deploy-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

// What the servers take, by hand from the sources named, on 2026-11-21. A flag with `value` is followed by one.

/** vLLM 0.29.0: vllm/engine/arg_utils.py and vllm/entrypoints/openai/cli_args.py. */
const vllmFlags: Flags = {
  value: wordsOf(`--host --port --tensor-parallel-size --pipeline-parallel-size --gpu-memory-utilization --max-model-len --max-num-seqs
    --max-num-batched-tokens --max-num-queued-reqs --dtype --kv-cache-dtype --quantization --download-dir --tool-call-parser --runner
    --attention-backend`),
  switch: ['--enable-auto-tool-choice', '--no-enable-chunked-prefill'],
};
/** llama.cpp of September 2026: tools/server/README.md, which is generated from the program. */
const llamacppFlags: Flags = {
  value: ['--host', '--port', '--hf-repo', '--ctx-size', '--parallel', '--threads', '--flash-attn', '--fit-target'],
  switch: ['--metrics', '--embeddings'],
};
/** text-generation-webui 4.7.3: modules/shared.py. */
const textgenFlags: Flags = { value: [], switch: ['--api', '--listen'] };

/** What each container reads: Ollama's envconfig/config.go, vLLM's vllm/envs.py, llama.cpp's README, the textgen image's entry point. */
const containerVariables: Readonly<Record<string, readonly string[]>> = {
  ollama: ['OLLAMA_NUM_PARALLEL', 'OLLAMA_MAX_LOADED_MODELS', 'OLLAMA_KEEP_ALIVE', 'CUDA_VISIBLE_DEVICES'],
  vllm: ['VLLM_NO_USAGE_STATS', 'VLLM_LOGGING_LEVEL', 'VLLM_API_KEY', 'HF_TOKEN', 'CUDA_VISIBLE_DEVICES'],
  llamacpp: ['LLAMA_API_KEY', 'HF_TOKEN', 'CUDA_VISIBLE_DEVICES'],
  textgen: ['EXTRA_LAUNCH_ARGS', 'OPENEDAI_EMBEDDING_MODEL', 'HF_TOKEN', 'CUDA_VISIBLE_DEVICES'],
};

/** Every setting of the five systems that a server acts on, and those of the ecosystems around them. */
const serverSettings = wordsOf(`
  ENABLE_TENSORRT ENABLE_FLASH_ATTENTION ENABLE_TRANSFORMER_ENGINE ENABLE_FP8 ENABLE_GPTQ ENABLE_AWQ DEFAULT_QUANT_METHOD
  QUANTIZATION_BIT_WIDTH CUDA_MEMORY_FRACTION multi_gpu_strategy
  OLLAMA_VULKAN GGML_VK_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES OLLAMA_MAX_LOADED_MODELS OLLAMA_KEEP_ALIVE OLLAMA_NUM_PARALLEL
  VLLM_MODEL_NAME VLLM_TENSOR_PARALLEL_SIZE VLLM_PIPELINE_PARALLEL_SIZE VLLM_GPU_MEMORY_UTILIZATION VLLM_MAX_MODEL_LEN
  VLLM_MAX_NUM_SEQS VLLM_MAX_NUM_BATCHED_TOKENS VLLM_DTYPE VLLM_QUANTIZATION VLLM_KV_CACHE_DTYPE VLLM_DOWNLOAD_DIR
  VLLM_NO_USAGE_STATS VLLM_LOGGING_LEVEL VLLM_ENABLE_CHUNKED_PREFILL VLLM_USE_V2_BLOCK_MANAGER VLLM_ENABLE_METRICS
  CLI_ARGS HF_TOKEN
  LLAMA_ARG_HOST LLAMA_ARG_PORT OPENEDAI_PORT OPENEDAI_EMBEDDING_MODEL`);

interface Flags {
  readonly value: readonly string[];
  readonly switch: readonly string[];
}

interface Service {
  readonly profiles: readonly string[];
  readonly image: string;
  readonly ports: readonly string[];
  readonly command?: string;
  readonly environment: Readonly<Record<string, string | null>>;
  readonly volumes: readonly string[];
  readonly healthcheck: Readonly<Record<string, unknown>>;
  readonly deploy?: unknown;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

type Variables = Readonly<Record<string, string>>;

/**
 * What Docker Compose makes of `${NAME}`, `${NAME:-otherwise}` and `${NAME:+instead}`, one inside another. Any other use of a
 * dollar throws, and so does a variable that is unset and has no default, which Compose would take for an empty one.
 */
function interpolate(text: string, variables: Variables, used: Set<string> = new Set()): string {
  const start = text.indexOf('$');
  if (start === -1) return text;
  const [, name = '', operator = ''] = /^\$\{([A-Z][A-Z0-9_]*)(:-|:\+|(?=\}))/.exec(text.slice(start)) ?? [];
  if (name === '') throw new Error(`no variable at: ${text.slice(start, start + 30)}`);
  const from = start + 2 + name.length + operator.length;
  const end = closing(text, from);
  used.add(name);
  const value = variables[name] ?? '';
  if (operator === '' && value === '') throw new Error(`${name} is unset and has no default`);
  const takesInner = operator === ':+' ? value !== '' : value === '';
  const chosen = takesInner ? interpolate(text.slice(from, end), variables, used) : value;
  return text.slice(0, start) + chosen + interpolate(text.slice(end + 1), variables, used);
}

function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) depth += 1;
    if (text[at] === '}' && --depth === 0) return at;
  }
  throw new Error('an open brace');
}

/** Compose reads the YAML first and fills in its texts after that. A key that stands twice throws. */
function load(path: string, variables: Variables = {}, used?: Set<string>): Compose {
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string') return interpolate(value, variables, used);
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]));
  };
  return fill(parse(read(path))) as Compose;
}

/** Names, and values where the line is no comment. A name that stands twice throws. */
function readExample(): { readonly set: Variables; readonly optional: readonly string[] } {
  const set: Record<string, string> = {};
  const optional: string[] = [];
  for (const line of read('.env.example').split('\n')) {
    const [, mark, name = '', value = ''] = /^(#?)([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name === '') continue;
    if (name in set || optional.includes(name)) throw new Error(`${name} stands twice`);
    if (mark === '#') optional.push(name);
    else set[name] = value;
  }
  return { set, optional };
}

const text = { type: 'string', minLength: 1 };
const texts = { type: 'array', items: text, minItems: 1, uniqueItems: true };
const duration = { type: 'string', pattern: '^[1-9][0-9]*s$' };
const closed = (properties: object, required: readonly string[] = Object.keys(properties)): object => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const named = (value: object): object => ({ type: 'object', additionalProperties: value, minProperties: 1 });

const parts = {
  environment: named({ type: ['string', 'null'] }),
  deploy: closed({
    resources: closed({
      reservations: closed({
        devices: {
          type: 'array',
          minItems: 1,
          maxItems: 1,
          items: closed({ driver: { const: 'nvidia' }, count: { const: 'all' }, capabilities: { const: ['gpu'] } }),
        },
      }),
    }),
  }),
};

/** The part of a compose file that we use; its words are Docker's. */
const composeSchema = closed({
  name: { const: 'inferlane' },
  services: named(
    closed(
      {
        ...parts,
        profiles: { ...texts, items: { enum: ['ollama', 'vllm', 'llamacpp', 'textgen', 'local-inference'] } },
        image: text,
        restart: { const: 'unless-stopped' },
        ports: { ...texts, items: { type: 'string', pattern: String.raw`^127\.0\.0\.1:[0-9]+:[0-9]+$` } },
        command: text,
        shm_size: { type: 'string', pattern: '^[1-9][0-9]*gb$' },
        volumes: { ...texts, items: { type: 'string', pattern: '^[a-z]+:/[a-z./_]+$' } },
        healthcheck: closed({
          test: { type: 'array', items: text, minItems: 2, prefixItems: [{ const: 'CMD' }] },
          interval: duration,
          timeout: duration,
          retries: { type: 'integer', minimum: 1 },
          start_period: duration,
        }),
      },
      ['profiles', 'image', 'restart', 'ports', 'environment', 'volumes', 'healthcheck'],
    ),
  ),
  volumes: named({ type: 'null' }),
});
const gpuSchema = closed({ services: named(closed(parts)) });

function errorsOf(schema: object, value: unknown): unknown {
  const ajv = new Ajv2020({ strictTuples: false, allErrors: true });
  ajv.validate(schema, value);
  return ajv.errors;
}

/** What is wrong with the arguments of a command: flags that the server does not have, or that lack or do not want their value. */
function faultsOf(words: readonly string[], flags: Flags, positionals: number): string[] {
  const faults: string[] = [];
  let left = positionals;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (flags.value.includes(word)) {
      at += 1;
      if (words[at]?.startsWith('--') ?? true) faults.push(`${word} has no value`);
    } else if (word.startsWith('-')) {
      if (!flags.switch.includes(word)) faults.push(`${word} is unknown`);
    } else if (--left < 0) faults.push(`${word} belongs to nothing`);
  }
  return left > 0 ? [...faults, 'a positional argument is missing'] : faults;
}

function wordsOf(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== '');
}

describe('the compose files', () => {
  const compose = load('compose.yaml');
  const gpu = load('compose.gpu.yaml');
  const services = Object.entries(compose.services);

  test('have only what Docker Compose knows, of the kinds it wants', () => {
    expect(errorsOf(composeSchema, compose)).toBeNull();
    expect(errorsOf(gpuSchema, gpu)).toBeNull();
  });

  test('start under the five profiles what their names say', () => {
    const started = (profile: string): string[] => services.flatMap(([id, { profiles }]) => (profiles.includes(profile) ? [id] : []));
    for (const [id] of services) expect(started(id)).toEqual([id]);
    expect(started('local-inference')).toEqual(['ollama', 'llamacpp']);
  });

  test('give each server the port that the documents give it, and no port of the host to two', () => {
    const ports = services.map(([id, { ports }]) => [id, ...ports.map((port) => port.replace('127.0.0.1:', ''))]);
    expect(ports).toEqual([
      ['ollama', '11434:11434'],
      ['vllm', '8001:8000'],
      ['llamacpp', '8002:8080'],
      ['textgen', '7860:7860', '5000:5000'],
    ]);
    const hostPorts = ports.flatMap(([, ...pairs]) => pairs.map((pair) => pair.split(':')[0]));
    expect(new Set(hostPorts).size).toBe(hostPorts.length);
  });

  test('start the servers on the ports that they publish', () => {
    expect(wordsOf(compose.services['vllm']?.command ?? '').join(' ')).toContain('--host 0.0.0.0 --port 8000 ');
    expect(wordsOf(compose.services['llamacpp']?.command ?? '').join(' ')).toContain('--host 0.0.0.0 --port 8080 ');
    for (const [id, port] of [
      ['vllm', 8000],
      ['llamacpp', 8080],
      ['textgen', 5000],
    ] as const) {
      expect(String(compose.services[id]?.healthcheck['test'])).toMatch(new RegExp(String.raw`127\.0\.0\.1[:/]${port}\b`));
    }
  });

  test('ask vLLM for its health as the documents do', () => {
    expect(compose.services['vllm']?.healthcheck).toMatchObject({ interval: '30s', timeout: '10s', retries: 3, start_period: '300s' });
  });

  test('pin every image whose releases have tags', () => {
    const moving = services.filter(([, { image }]) => !/:(?:server-b|v)?\d[\w.]*$/.test(image)).map(([, { image }]) => image);
    // Its publisher gives variants as tags; a tag per release could not be confirmed.
    expect(moving).toEqual(['atinoda/text-generation-webui:default-nvidia']);
  });

  test('pass only flags that today’s servers have, each with its value', () => {
    const command = (id: string, variables: Variables): string[] => wordsOf(load('compose.yaml', variables).services[id]?.command ?? '');
    const full = { VLLM_QUANTIZATION: 'fp8', VLLM_DOWNLOAD_DIR: '/models', VLLM_EXTRA_ARGS: '--enable-auto-tool-choice' };
    expect(faultsOf(command('vllm', {}), vllmFlags, 1)).toEqual([]);
    expect(faultsOf(command('vllm', full), vllmFlags, 1)).toEqual([]);
    expect(command('vllm', full).join(' ')).toMatch(/--quantization fp8 --download-dir \/models --enable-auto-tool-choice$/);
    expect(faultsOf(command('llamacpp', {}), llamacppFlags, 0)).toEqual([]);
    const launch = compose.services['textgen']?.environment['EXTRA_LAUNCH_ARGS'];
    expect(launch).toBe('--api --listen');
    expect(faultsOf(wordsOf(launch ?? ''), textgenFlags, 0)).toEqual([]);
  });

  test('hand on only variables that the server in the container reads', () => {
    for (const [id, { environment }] of [...services, ...Object.entries(gpu.services)]) {
      const strange = Object.keys(environment).filter((name) => !containerVariables[id]?.includes(name));
      expect({ id, strange }).toEqual({ id, strange: [] });
    }
  });

  test('never set to nothing what hides every GPU when it is empty, nor a key', () => {
    const handedOn = ['CUDA_VISIBLE_DEVICES', 'OPENEDAI_EMBEDDING_MODEL', 'HF_TOKEN', 'VLLM_API_KEY', 'LLAMA_API_KEY'];
    for (const { environment } of [...services, ...Object.entries(gpu.services)].map(([, service]) => service)) {
      for (const name of handedOn) expect([null, undefined]).toContain(environment[name]);
    }
  });

  test('keep the models of each server in a volume that exists', () => {
    const mounted = services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(':')[0]));
    expect(mounted.toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });

  test('reserve a GPU for the two servers that need one, and with the second file for the two others', () => {
    const reserved = [compose, gpu].map((file) => Object.entries(file.services).flatMap(([id, { deploy }]) => (deploy ? [id] : [])));
    expect(reserved).toEqual([
      ['vllm', 'textgen'],
      ['ollama', 'llamacpp'],
    ]);
  });
});

describe('the example of settings', () => {
  const example = readExample();

  test('names every variable of the compose file, and no other', () => {
    const used = new Set<string>();
    const { services } = load('compose.yaml', {}, used);
    const handedOn = Object.values(services).flatMap(({ environment }) =>
      Object.entries(environment).flatMap(([name, value]) => (value === null ? [name] : [])),
    );
    expect(Object.keys(example.set).toSorted()).toEqual([...used].toSorted());
    expect(example.optional.toSorted()).toEqual([...new Set(handedOn)].toSorted());
  });

  test('says what holds without it', () => {
    expect(load('compose.yaml', example.set)).toEqual(load('compose.yaml'));
    // An empty value in it must be one that is empty anyway.
    for (const [name, value] of Object.entries(example.set)) expect(load('compose.yaml', { [name]: value })).toEqual(load('compose.yaml'));
  });
});

/** `[section, key, value]` of each line. */
function readUnit(path: string): (readonly [string, string, string])[] {
  let section = '';
  return read(path)
    .split('\n')
    .flatMap((line) => {
      if (line === '' || line.startsWith('#')) return [];
      const head = /^\[(\w+)\]$/.exec(line)?.[1];
      section = head ?? section;
      if (head !== undefined) return [];
      const [, key = '', value = ''] = /^(\w+)=(.+)$/.exec(line) ?? [];
      return [[section, key, value] as const];
    });
}

function environmentOf(lane: 'gpu' | 'cpu'): Variables {
  const values = readUnit(`systemd/ollama-${lane}@.service`).filter(([, key]) => key === 'Environment');
  return Object.fromEntries(values.map(([, , value]) => value.split(/=(.*)/s).slice(0, 2)));
}

describe('the units of the two lanes', () => {
  const paths = readdirSync(join(deploy, 'systemd')).toSorted();
  const lanes = paths.map((path) => ({ path, lines: readUnit(`systemd/${path}`) }));
  const [gpu, cpu] = [environmentOf('gpu'), environmentOf('cpu')];

  test('are two, and instances of the user who starts them', () => {
    expect(paths).toEqual(['ollama-cpu@.service', 'ollama-gpu@.service']);
    for (const { lines } of lanes) expect(lines.filter(([, key]) => key === 'Description').join()).toContain('%i');
  });

  test('have only sections and keys that systemd knows', () => {
    const known = {
      Unit: ['Description', 'Documentation', 'StartLimitIntervalSec', 'StartLimitBurst'],
      Service: ['Environment', 'EnvironmentFile', 'ExecStart', 'Restart', 'RestartSec', 'OOMPolicy', 'Nice'],
      Install: ['WantedBy'],
    };
    const all = new Set(Object.entries(known).flatMap(([section, keys]) => keys.map((key) => `${section}.${key}`)));
    for (const { lines } of lanes) expect(lines.map(([section, key]) => `${section}.${key}`).filter((key) => !all.has(key))).toEqual([]);
  });

  test('start again whatever ended them, and survive the end of a process that held a model', () => {
    const must = [
      ['Service', 'ExecStart', 'ollama serve'],
      ['Service', 'Restart', 'always'],
      ['Service', 'OOMPolicy', 'continue'],
      // A manager of a user's units has no multi-user.target.
      ['Install', 'WantedBy', 'default.target'],
    ];
    for (const { lines } of lanes) expect(lines).toEqual(expect.arrayContaining(must));
  });

  test('set only variables that Ollama reads, each once', () => {
    const known = wordsOf(`OLLAMA_HOST OLLAMA_VULKAN GGML_VK_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES
      OLLAMA_NUM_PARALLEL OLLAMA_MAX_LOADED_MODELS OLLAMA_KEEP_ALIVE OLLAMA_NOPRUNE`);
    for (const { lines } of lanes) {
      const names = lines.flatMap(([, key, value]) => (key === 'Environment' ? value.split('=').slice(0, 1) : []));
      expect(names.filter((name, at) => !known.includes(name) || names.indexOf(name) !== at)).toEqual([]);
    }
  });

  test('listen on two ports of this machine', () => {
    expect([gpu['OLLAMA_HOST'], cpu['OLLAMA_HOST']]).toEqual(['127.0.0.1:11434', '127.0.0.1:11435']);
  });

  test('give each lane its own of the two values that cannot stand in one place', () => {
    expect([gpu['GGML_VK_VISIBLE_DEVICES'], cpu['GGML_VK_VISIBLE_DEVICES']]).toEqual(['0', '-1']);
    expect([gpu['OLLAMA_VULKAN'], cpu['OLLAMA_VULKAN']]).toEqual(['1', '0']);
  });

  test('hide GPUs of every maker from the CPU lane, and none from the GPU lane', () => {
    const makers = ['CUDA_VISIBLE_DEVICES', 'HIP_VISIBLE_DEVICES', 'ROCR_VISIBLE_DEVICES'];
    expect(makers.map((name) => cpu[name])).toEqual(['-1', '-1', '-1']);
    expect(makers.map((name) => gpu[name])).toEqual([undefined, undefined, undefined]);
  });

  test('load one model, for two requests, for half an hour', () => {
    const shared = { OLLAMA_NUM_PARALLEL: '2', OLLAMA_MAX_LOADED_MODELS: '1', OLLAMA_KEEP_ALIVE: '30m' };
    expect(gpu).toMatchObject(shared);
    expect(cpu).toMatchObject(shared);
  });

  test('let one lane only tidy the models that both share', () => {
    expect([gpu['OLLAMA_NOPRUNE'], cpu['OLLAMA_NOPRUNE']]).toEqual([undefined, '1']);
  });

  test('pass systemd’s own check, which finds a misspelt key', { timeout: 60_000 }, ({ skip }) => {
    skip(spawnSync('systemd-analyze', ['--version']).status !== 0, 'systemd-analyze is not on this machine');
    const verify = (path: string, change: (unit: string) => string): string => {
      // It wants the program to exist, and Ollama is not on a machine that only tests.
      writeFileSync(join(folder, path), change(read(`systemd/${path}`)).replace('ExecStart=ollama serve', 'ExecStart=/bin/sh'));
      const env = { ...process.env, XDG_RUNTIME_DIR: folder };
      const { status, stderr } = spawnSync('systemd-analyze', ['--user', 'verify', join(folder, path)], { env, encoding: 'utf8' });
      return `${status} ${stderr}`;
    };
    for (const path of paths) {
      expect(verify(path, (unit) => unit)).toBe('0 ');
      expect(verify(path, (unit) => unit.replace('Restart=', 'Restrat='))).toContain("Unknown key 'Restrat'");
    }
  });
});

// A start of Python takes seconds on a busy machine.
describe('the notebook server', { timeout: 60_000 }, () => {
  const where = join(deploy, 'remote-gpu');
  const files = readdirSync(where).filter((name) => name.endsWith('.py'));
  const [, minor = 0] = /^Python 3\.(\d+)/.exec(spawnSync('python3', ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? [];
  const isOld = Number(minor) < 10;
  const why = 'Python 3.10 or later is not on this machine';
  // -S: without any package that is installed.
  const python = (...args: string[]): { code: number | null; stdout: string; stderr: string } => {
    const env = { ...process.env, PYTHONPYCACHEPREFIX: folder };
    const { status, stdout, stderr } = spawnSync('python3', ['-S', ...args], { cwd: where, env, encoding: 'utf8', timeout: 45_000 });
    return { code: status, stdout, stderr };
  };
  const told = (expression: string): unknown => {
    const { code, stdout, stderr } = python(
      '-c',
      `import json; from dataclasses import asdict; from remote_gpu_server import *; print(json.dumps(${expression}))`,
    );
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };

  test('compiles', ({ skip }) => {
    skip(isOld, why);
    expect(files).toEqual(['remote_gpu_server.py', 'test_remote_gpu_server.py']);
    expect(python('-m', 'py_compile', ...files)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('passes its own tests without any package', ({ skip }) => {
    skip(isOld, why);
    const { code, stderr } = python('-m', 'unittest');
    expect(stderr).toMatch(/Ran (?:1[5-9]|[2-9]\d) tests in [\d.]+s\n\nOK\n$/);
    expect(code).toBe(0);
  });

  test('refuses in words that the router understands', ({ skip }) => {
    skip(isOld, why);
    const refusals = told(`[[r.status, r.detail] for r in (
      loading(), queue_full(), timed_out(90), broken(), load_failed(), model_too_large(), too_long(9, 8),
      refusal_of(RuntimeError("CUDA out of memory")), refusal_of(RuntimeError("CUDA error: no")), refusal_of(ValueError("no")))]`);
    const codes = (refusals as [number, string][]).map(([status, detail]) => {
      const bodyText = JSON.stringify({ detail });
      return classifyResponse({ status, header: () => null, bodyText }, 0).code;
    });
    expect(codes).toEqual(
      wordsOf(`model_loading overloaded timeout driver unavailable out_of_memory context_length
        out_of_memory driver unavailable`),
    );
  });

  test('has the settings that its page lists, with those defaults', ({ skip }) => {
    skip(isOld, why);
    const settings = Object.entries(told('asdict(Settings())') as Record<string, unknown>);
    const rows = rowsOf(read('README.md')).filter(([name]) => name?.startsWith('`REMOTE_GPU_'));
    const listed = rows.map(([name = '', value = '']) => [name.replaceAll('`', ''), value.replaceAll('`', '')]);
    expect(listed.toSorted()).toEqual(
      settings.map(([name, value]) => [`REMOTE_GPU_${name.toUpperCase()}`, String(value || 'none')]).toSorted(),
    );
  });
});

/** The cells of every row of every table. */
function rowsOf(markdown: string): string[][] {
  return markdown.split('\n').flatMap((line) => {
    if (!line.startsWith('| ') || line.startsWith('| --')) return [];
    return [
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    ];
  });
}

describe('the page', () => {
  const page = read('README.md');
  const rows = rowsOf(page);
  const { set, optional } = readExample();
  const units = readdirSync(join(deploy, 'systemd')).map((path) => read(`systemd/${path}`));

  test('explains every setting that only a server can act on, in full', () => {
    const explained = rows.filter(([name]) => serverSettings.some((setting) => name === `\`${setting}\``));
    expect(explained.map(([name = '']) => name.replaceAll('`', '')).toSorted()).toEqual(serverSettings.toSorted());
    for (const row of explained) expect(row.map((cell) => cell !== '')).toEqual([true, true, true, true]);
  });

  test('leaves out no variable that the router takes for a setting of a server, short names aside', () => {
    const taken = Object.keys(metadataRows).filter((name) => !(`VLLM_${name}` in envTable));
    expect(taken.filter((name) => !serverSettings.includes(name))).toEqual([]);
    expect(taken.length).toBeGreaterThan(30);
  });

  test('names as the place of a setting only places that have it', () => {
    const lost = rows
      .filter(([name]) => serverSettings.includes(name?.replaceAll('`', '') ?? ''))
      .flatMap(([cell = '', , , where = '']) => {
        const name = cell.replaceAll('`', '');
        const inExample = (variable: string): boolean => variable in set || optional.includes(variable);
        const missing = [...where.matchAll(/`([A-Z][A-Z0-9_]+)(?:=[^`]*)?`/g)].filter(([, variable = '']) => !inExample(variable));
        if (where.includes('`.env`') && !inExample(name)) missing.push([name] as unknown as RegExpExecArray);
        if (where.includes('both units') && !units.every((unit) => unit.includes(`=${name}=`)))
          missing.push([name] as unknown as RegExpExecArray);
        return missing.map(([found]) => found);
      });
    expect(lost).toEqual([]);
  });

  test('and the example of settings name only flags that exist, but for one that does not', () => {
    const own = ['--profile', '--detach', '--wait', '--user', '--now', '--url', '--intent'];
    const known = new Set([vllmFlags, llamacppFlags, textgenFlags].flatMap((flags) => [...flags.value, ...flags.switch]).concat(own));
    const flags = [...`${page}\n${read('.env.example')}`.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag);
    expect([...new Set(flags.filter((flag) => !known.has(flag)))]).toEqual(['--enable-embeddings']);
    expect(flags.length).toBeGreaterThan(20);
  });

  test('gives the address of each profile', () => {
    for (const [id, { ports }] of Object.entries(load('compose.yaml').services)) {
      const row = rows.find(([profile]) => profile === `\`${id}\``)?.join(' ');
      for (const port of ports) expect(row).toContain(port.split(':')[1]);
    }
  });
});

/** Each `NAME=value` that is a line or a piece of code. */
function variablesIn(text: string): Variables {
  return Object.fromEntries(
    Array.from(text.matchAll(/(?<=^|`)([A-Z_]+)=([^`\s]+)(?=`|$)/gm), ([, name = '', value = '']) => [name, value]),
  );
}

describe('what the page tells to set for the router', () => {
  const page = read('README.md');
  const blocks = Array.from(page.matchAll(/^```\w*\n([\s\S]*?)^```$/gm), ([, block = '']) => block);
  const preset = variablesIn(blocks.find((block) => block.includes('INFERLANE_PRESET')) ?? '');
  const addresses = variablesIn(Array.from(page.matchAll(/`OLLAMA_[CG]PU_URL=[^`]*`/g), ([text]) => text).join('\n'));

  test.each([
    ['the preset', { ...preset }],
    ['the addresses', { ...addresses, OLLAMA_NUM_PARALLEL: preset['OLLAMA_NUM_PARALLEL'] ?? '' }],
  ])('leads to the two lanes as they are: %s', async (_name, env) => {
    const options: RouterOptions = fromEnv(env);
    const lane = (device: 'gpu' | 'cpu'): object => {
      const { OLLAMA_HOST: host = '', OLLAMA_NUM_PARALLEL: parallel } = environmentOf(device);
      return { type: 'ollama', url: `http://${host}`, device, maxConcurrent: Number(parallel) };
    };
    expect(options.providers).toMatchObject({ gpu: lane('gpu'), cpu: lane('cpu') });
    expect(options.health).toEqual('INFERLANE_PRESET' in env ? { mode: 'per-request' } : undefined);

    await using router = createRouter({ ...options, health: false });
    const request = { model: 'any', messages: [{ role: 'user' as const, content: 'Hello' }] };
    const plans = [router.explain(request), router.explain(request, { intent: 'heavy' })];
    expect(plans.map(({ candidates }) => candidates.map(({ provider }) => provider))).toEqual([
      ['gpu', 'cpu'],
      ['cpu', 'gpu'],
    ]);
  });

  test('leads to the notebook, and takes nothing off an answer that begins with its question', async () => {
    await using server = await loopback(({ path }) => ({
      pieces: [JSON.stringify(path === '/health' ? { status: 'healthy', model: 'tiny' } : { content: 'Hello there.' })],
    }));
    const document = blocks.find((block) => block.includes('remote-gpu"')) ?? '';
    const options = fromJson(document, { env: { GPU_REMOTE_URL: server.url, REMOTE_GPU_TOKEN: 'the-token' } });
    await using router = createRouter({ ...options, health: false });
    const { choices } = await router.chat({ messages: [{ role: 'user', content: 'Hello' }] });
    expect(choices[0].message.content).toBe('Hello there.');
    expect(server.requests.map(({ path, headers }) => [path, headers['authorization']])).toEqual([['/generate', 'Bearer the-token']]);
  });
});
