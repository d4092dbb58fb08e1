import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRouter, fromJson, providerTypes } from '../../src/index.ts';
import { usualPlaces } from '../../src/cli/local-servers.ts';
import { models, outOfMemory, reply } from '../../src/testing/index.ts';
import { loopback } from '../_kit/loopback.ts';
import { Stop } from '../../src/cli/io.ts';
import { deadUrl, emptyFolder, folderWith, run, server, type World } from './cli-kit.ts';

const stub = (reply: string): object => ({ providers: { last: { type: 'stub', reply } } });

/** Which configuration answers. */
async function whoAnswers(argv: readonly string[], world: World): Promise<string> {
  const { out, err } = await run(['chat', ...argv, 'Hi'], world);
  return out === '' ? err : out.trim();
}

describe('the configuration', () => {
  test('comes from --config, then --preset, then INFERLANE_CONFIG, then inferlane.json, then the environment', async () => {
    const folder = folderWith(stub('folder'));
    writeFileSync(join(folder, 'flag.json'), JSON.stringify(stub('flag')));
    writeFileSync(join(folder, 'variable.json'), JSON.stringify(stub('variable')));
    const env = { INFERLANE_CONFIG: 'variable.json' };
    expect(await whoAnswers(['--config', 'flag.json'], { folder, env })).toBe('flag');
    expect(await whoAnswers([], { folder, env })).toBe('variable');
    expect(await whoAnswers([], { folder, env: { INFERLANE_CONFIG: '' } })).toBe('folder');
    const preset = await run(['env', '--preset', 'free-first'], { folder, env });
    expect(preset.out).toContain('comes from the environment, by the preset free-first');
    const variable = await run(['env'], { env: { INFERLANE_PRESET: 'hybrid' } });
    expect(variable.out).toContain('comes from the environment, by the preset hybrid (INFERLANE_PRESET), with 2 providers: gpu and cpu');
  });

  test('is given once: --config and --preset exclude each other', async () => {
    expect(await run(['check', '--config', 'a.json', '--preset', 'hybrid'])).toMatchObject({ code: 2, out: '' });
  });

  test('options that hold for every command may stand in front of it', async () => {
    const folder = folderWith(stub('flag'), 'flag.json');
    expect(await run(['--config', 'flag.json', 'chat', 'Hi'], { folder })).toMatchObject({ out: 'flag\n' });
  });

  test('that is wrong is a list of what, where and what to do, with exit code 3 and no value', async () => {
    const folder = folderWith({ providers: { gpu: { type: 'olama', apiKey: 'sk-secretsecretsecret' } }, maxAttemts: 3 });
    const { code, out, err } = await run(['check'], { folder });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(
      /^error: 2 things are wrong in the configuration from inferlane\.json:\n {2}inferlane\.json:1:\d+ providers\.gpu\.type\n {4}/,
    );
    expect(err).toContain('did you mean "maxAttempts"?');
    expect(err).not.toMatch(/secretsecret|inferlane-cli-/);
  });

  test('whose file is not there says who names it', async () => {
    const { code, err } = await run(['models'], { env: { INFERLANE_CONFIG: 'lab.json' } });
    expect(code).toBe(3);
    expect(err).toContain('from lab.json (INFERLANE_CONFIG):\n  lab.json\n    does not exist');
  });

  test('of the environment that is wrong leads to `inferlane env`', async () => {
    const { code, err } = await run(['check'], { env: { OLLAMA_BASE_URL: 'ftp://secret-host' } });
    expect(code).toBe(3);
    expect(err).toContain('  OLLAMA_BASE_URL\n    must begin with http:// or https://\n  `inferlane env`');
    expect(err).not.toContain('secret-host');
  });

  test('that is odd is used, and said so', async () => {
    const gpu = await server('ollama');
    const folder = folderWith({ providers: { gpu: { type: 'ollama', url: gpu.url, apiKey: 'sk-written-out-here' } } });
    const { code, err } = await run(['check'], { folder });
    expect(code).toBe(0);
    expect(err).toMatch(/^note: .*providers\.gpu\.apiKey: /);
    expect(err).not.toContain('written-out');
  });
});

describe('without any configuration', () => {
  test('what answers on the usual ports is used, and said so', async () => {
    const here = await server('ollama', models(['nomic-embed-text', 'llama3.1:8b']));
    const { code, out, err } = await run(['chat', 'Hi'], { localUrls: [await deadUrl(), here.url] });
    expect(code).toBe(0);
    expect(out).not.toBe('');
    expect(err).toMatch(
      /^Nothing is configured; using what answers on this machine: Ollama at 127\.0\.0\.1:\d+\. `inferlane init` writes this to a file\.\n$/,
    );
    expect(here.calls[0]?.body).toMatchObject({ model: 'llama3.1:8b' });
  });

  test('and without any server it says where it looked, what is there instead, and what to do', async () => {
    await using web = await loopback(() => ({ headers: { 'content-type': 'text/html' }, pieces: ['<p>A web site</p>'] }));
    const { code, out, err } = await run(['check'], { localUrls: [await deadUrl(), web.url] });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^error: Nothing is configured, and no inference server answers on the usual ports of this machine \(\d+ and \d+\)/,
    );
    expect(err).toContain('something answers there, but no server that is known');
    expect(err).toContain('OLLAMA_BASE_URL');
    expect(err).toContain('OPENAI_API_KEY, ANTHROPIC_API_KEY, HF_TOKEN or TOGETHER_API_KEY');
    expect(err).toContain('inferlane init');
  });

  test('variables that name no provider change nothing', async () => {
    const here = await server('vllm', models(['m']));
    const world = { env: { CUDA_VISIBLE_DEVICES: '0', PORT: '8000' }, localUrls: [here.url] };
    expect(await run(['check'], world)).toMatchObject({ code: 0, err: expect.stringContaining('using what answers') as string });
  });

  test('the usual ports are those of every local server, the next one of llama.cpp, and that of the second Ollama', () => {
    const local = Object.values(providerTypes).flatMap(({ defaultUrl }) => (defaultUrl?.startsWith('http:') ? [defaultUrl] : []));
    const urls = usualPlaces.map(({ url }) => url);
    expect(new Set(urls)).toEqual(new Set([...local, 'http://127.0.0.1:9931', 'http://127.0.0.1:11435']));
    expect(urls).toHaveLength(new Set(urls).size);
    expect(usualPlaces.filter(({ isCpuTwin }) => isCpuTwin)).toEqual([{ url: 'http://127.0.0.1:11435', isCpuTwin: true }]);
  });

  test('an Ollama on the port of the second one is on the processor, also without a first one; another server is not', async () => {
    const cpu = await server('ollama', models(['llama3.1:8b']));
    const gpu = await server('ollama', models(['llama3.1:8b']));
    const pair = await run(['check'], { localUrls: [gpu.url], cpuUrl: cpu.url });
    expect(pair.out).toMatch(/\nollama +ollama +gpu .*\ncpu +ollama +cpu /);
    expect((await run(['check'], { cpuUrl: cpu.url })).out).toMatch(/\nollama +ollama +cpu /);
    const vllm = await server('vllm', models(['m']));
    expect((await run(['check'], { cpuUrl: vllm.url })).out).toMatch(/\nvllm +vllm +gpu /);
  });
});

/** What is said before a call, which is never made. */
async function saidBefore(argv: readonly string[], world: World): Promise<string> {
  const controller = new AbortController();
  const onErr = (): void => controller.abort(new Stop('SIGINT', 130));
  const { code, err } = await run(argv, { ...world, localUrls: [await deadUrl()], signal: controller.signal, onErr });
  expect(code).toBe(130);
  return err;
}

describe('with nothing but the key of a cloud', () => {
  const env = { OPENAI_API_KEY: 'sk-secretsecretsecret' };

  test.each([['chat'], ['embed'], ['bench']])('%s says before it pays whom and why, and how not to', async (command) => {
    const err = await saidBefore([command, 'Hi'], { env });
    expect(err).toMatch(
      /^note: nothing is configured but OPENAI_API_KEY, and no server answers .* openai will be paid\. .*OLLAMA_BASE_URL.*\n$/,
    );
    expect(err).not.toContain('secretsecret');
  });

  test('what answers on this machine is used, and nobody is paid', async () => {
    const here = await server('ollama', models(['llama3.1:8b']));
    const { code, err } = await run(['chat', 'Hi'], { env, localUrls: [here.url] });
    expect(code).toBe(0);
    expect(err).toMatch(
      /^Nothing is configured but OPENAI_API_KEY; using what answers on this machine: Ollama at 127\.0\.0\.1:\d+\. Calls to openai cost money, and are made only with --provider openai\.\n$/,
    );
    expect(here.calls).toHaveLength(1);
  });

  test('and a server that cannot answer, nobody is paid either, and it is said how that would be done', async () => {
    const here = await server('ollama', [models(['llama3.1:8b']), outOfMemory()]);
    const { code, err } = await run(['chat', 'Hi'], { env, localUrls: [here.url] });
    expect(code).toBe(1);
    expect(err).toMatch(/ollama: out of memory.*\n {2}openai: not asked: costs money.*\n(?:.*\n)*.*--provider names one/);
  });

  test.each([
    ['a switch', { ENABLE_PAID_API: 'true' }],
    ['a list', { INFERENCE_PROVIDER: 'openai' }],
    ['a preset', { INFERLANE_PRESET: 'switchable', INFERENCE_PROVIDER: 'openai' }],
  ])('%s beside it is a word about money', async (_what, more) => {
    const { out } = await run(['env', '--json'], { env: { ...env, ...more } });
    expect(JSON.parse(out)).toMatchObject({ hasOnlyKeys: false, issues: [] });
  });

  test('an address beside it says who is meant: nobody else is looked for', async () => {
    const here = await server('ollama', models(['llama3.1:8b']));
    const cloud = await server('openai', reply('From the cloud.'));
    const world = { env: { ...env, OPENAI_BASE_URL: `${cloud.url}/v1` }, localUrls: [here.url] };
    expect(await run(['chat', '-m', 'gpt-5', 'Hi'], world)).toEqual({ code: 0, out: 'From the cloud.\n', err: '' });
    expect(here.requests).toEqual([]);
  });

  test('--provider says who is meant, so that nothing more has to be said', async () => {
    const here = await server('ollama', models(['llama3.1:8b']));
    expect(await run(['chat', '-p', 'ollama', 'Hi'], { env, localUrls: [here.url] })).toMatchObject({ code: 0, err: '' });
  });

  test('env says what commands do', async () => {
    const { out } = await run(['env'], { env });
    expect(out).toMatch(/with 1 provider: openai\.\nNothing but a key names it, so commands use what answers /);
    expect((await run(['env'], { env: { ...env, ENABLE_PAID_API: 'true' } })).out).not.toContain('Nothing but a key');
  });
});

describe('init', () => {
  test('writes what it finds, each with its models, and a reference in place of a key', async () => {
    const gpu = await server('ollama', models(['nomic-embed-text', 'llama3.1:8b']));
    const other = await server('ollama', models(['qwen3:4b']));
    const cpu = await server('ollama', models(['llama3.1:8b']));
    const folder = emptyFolder();
    const env = { OPENAI_API_KEY: 'sk-secretsecretsecret' };
    const { code, out, err } = await run(['init'], { folder, env, localUrls: [gpu.url, other.url, await deadUrl()], cpuUrl: cpu.url });
    expect({ code, out }).toEqual({ code: 0, out: '' });
    const text = readFileSync(join(folder, 'inferlane.json'), 'utf8');
    expect(JSON.parse(text)).toEqual({
      providers: {
        ollama: { type: 'ollama', url: gpu.url, defaultModel: 'llama3.1:8b', embeddingModel: 'nomic-embed-text' },
        [`ollama-${new URL(other.url).port}`]: { type: 'ollama', url: other.url, defaultModel: 'qwen3:4b' },
        cpu: { type: 'ollama', url: cpu.url, device: 'cpu', defaultModel: 'llama3.1:8b' },
        openai: { type: 'openai', apiKey: '${OPENAI_API_KEY}' },
      },
    });
    expect(err).toMatch(/^found: Ollama .* at 127\.0\.0\.1:\d+\nfound: Ollama .*\nfound: Ollama .*, taken for one on the processor\n/);
    expect(err).toContain('found: a key for openai, as ${OPENAI_API_KEY}');
    expect(err).toContain('"allowPaid": true');
    expect(text + err).not.toContain('secretsecret');
    expect(await run(['check'], { folder, env })).toMatchObject({ code: 0 });
  });

  test('says of clouds alone that they will be paid', async () => {
    const folder = emptyFolder();
    const env = { OPENAI_API_KEY: 'sk-secretsecretsecret', ANTHROPIC_API_KEY: 'sk-ant-secretsecret' };
    const { err } = await run(['init'], { folder, env, localUrls: [await deadUrl()] });
    expect(err).toContain('\nCalls to openai and anthropic cost money, and are made: nothing that is free is in the file.\n');
    const options = fromJson(readFileSync(join(folder, 'inferlane.json'), 'utf8'), { env });
    const router = createRouter({ ...options, health: false, checkModels: false });
    onTestFinished(() => router.close({ drainMs: 0 }));
    const { candidates } = router.explain({ messages: [{ role: 'user', content: 'Hi' }] });
    expect(candidates.map(({ provider }) => provider)).toEqual(['openai', 'anthropic']);
  });

  test('says that a new Ollama has no model yet, and how it gets one', async () => {
    const here = await server('ollama', models([]));
    expect((await run(['init', '--print'], { localUrls: [here.url] })).err).toMatch(
      /\d, without a model yet: `ollama pull <name>` fetches one\n$/,
    );
    expect((await run(['check'], { localUrls: [here.url] })).err).toMatch(/ \(without a model yet: `ollama pull <name>` fetches one\)\. /);
  });

  test('never overwrites a file, but with --force', async () => {
    const gpu = await server('ollama', models(['llama3.1:8b']));
    const folder = folderWith('mine');
    const refused = await run(['init'], { folder, localUrls: [gpu.url] });
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--force') as string });
    expect(readFileSync(join(folder, 'inferlane.json'), 'utf8')).toBe('mine');
    expect(await run(['init', '--force'], { folder, localUrls: [gpu.url] })).toMatchObject({ code: 0 });
    expect(() => fromJson(readFileSync(join(folder, 'inferlane.json'), 'utf8'))).not.toThrow();
  });

  test('prints it with --print, and writes nothing', async () => {
    const tei = await server('tei', models(['BAAI/bge-small-en-v1.5']));
    const folder = emptyFolder();
    const { code, out } = await run(['init', '--print'], { folder, localUrls: [tei.url] });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ providers: { tei: { type: 'tei', url: tei.url } } });
    expect(existsSync(join(folder, 'inferlane.json'))).toBe(false);
  });

  test('names the file that --config names, and says where it cannot be written', async () => {
    const gpu = await server('ollama', models(['llama3.1:8b']));
    const folder = emptyFolder();
    await run(['init', '--config', 'lab.json'], { folder, localUrls: [gpu.url] });
    expect(existsSync(join(folder, 'lab.json'))).toBe(true);
    const { code, err } = await run(['init', '--config', 'nowhere/lab.json'], { folder, localUrls: [gpu.url] });
    expect(code).toBe(1);
    expect(err).toContain('lab.json could not be written: its folder does not exist');
  });

  test('says what it had to leave out, and writes nothing where nothing is left', async () => {
    await using locked = await loopback(() => ({ status: 401, pieces: ['{}'] }));
    const folder = emptyFolder();
    const { code, err } = await run(['init'], { folder, localUrls: [locked.url] });
    expect({ code, written: existsSync(join(folder, 'inferlane.json')) }).toEqual({ code: 1, written: false });
    expect(err).toMatch(/^error: Nothing to write: no inference server answers/);
  });
});

describe('env', () => {
  test('shows which variable sets what; keys, credentials and paths are hidden', async () => {
    const env = {
      OPENAI_API_KEY: 'sk-secretsecretsecret',
      OLLAMA_BASE_URL: 'http://user:hunter2@gpu-box:11434/token-in-path',
      OLLAMA_NUM_PARALLEL: '4',
      PORT: '8000',
    };
    const { code, out } = await run(['env'], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/^The configuration comes from the environment, with 2 providers: ollama and openai\.\n/);
    expect(out).toMatch(/\nOPENAI_API_KEY +\(hidden\) +providers\.openai\.apiKey\n/);
    expect(out).toMatch(/\nOLLAMA_BASE_URL +http:\/\/gpu-box:11434\/… +providers\.ollama\.url\n/);
    expect(out).toMatch(/\nOLLAMA_NUM_PARALLEL +4 +providers\.ollama\.maxConcurrent\n/);
    expect(out).toMatch(/\nPORT +8000 +nothing: `inferlane serve` reads it\n/);
    expect(out).not.toMatch(/secretsecret|hunter2|token-in-path/);
  });

  test('shows bad values as problems without repeating them, with exit code 3', async () => {
    const env = { OLLAMA_BASE_URL: 'http://gpu-box:11434', LOAD_RATIO: 'sk-pasted-here-by-mistake' };
    const { code, out, err } = await run(['env'], { env });
    expect({ code, err }).toEqual({ code: 3, err: '' });
    expect(out).toMatch(/\nLOAD_RATIO +\(hidden\) +nothing: it is wrong, see below\n/);
    expect(out).toMatch(/\nWrong:\n {2}LOAD_RATIO\n {4}must be /);
    expect(out).not.toContain('pasted');
  });

  test.each(['--api-key abcdef', 'hf_abcdefgh', 'AKIA1234567890ABCDEF1234', 'http://x/secret?key=1', 'a@b'])(
    'does not show %s where a word would do',
    async (value) => {
      const { out } = await run(['env'], { env: { VLLM_BASE_URL: 'http://gpu-box:8000', VLLM_DTYPE: value } });
      expect(out).toMatch(/\nVLLM_DTYPE +(?:\(hidden\)|http:\/\/x\/…) /);
    },
  );

  test('of a file shows the variables that it refers to, and not what they hold', async () => {
    const folder = folderWith({ providers: { cloud: { type: 'openai', apiKey: '${KEY}', url: '${HOME_URL:-http://127.0.0.1:8000}' } } });
    const { code, out } = await run(['env'], { folder, env: { KEY: 'plain', OPENAI_API_KEY: 'unused' } });
    expect(code).toBe(0);
    expect(out).toMatch(
      /^The configuration comes from inferlane\.json, with 1 provider: cloud\.\nOf the environment it uses what it refers to/,
    );
    expect(out).toMatch(/\nKEY +\(hidden\) +providers\.cloud\.apiKey\n/);
    expect(out).toMatch(/\nHOME_URL +\(not set\) +providers\.cloud\.url\n/);
    expect(out).not.toMatch(/plain|OPENAI_API_KEY/);
  });

  test('of a file that is wrong shows what is wrong', async () => {
    const { code, out } = await run(['env'], { folder: folderWith({ providers: { a: { type: 'nope' } } }) });
    expect(code).toBe(3);
    expect(out).toMatch(/in which something is wrong\.\n\nWrong:\n {2}inferlane\.json:1:\d+ providers\.a\.type\n/);
  });

  test('without any variable says what commands do then', async () => {
    expect(await run(['env'])).toMatchObject({ code: 0, out: expect.stringContaining('No variable names a provider') as string });
  });

  test('is there as JSON, with the same things hidden', async () => {
    const { out } = await run(['env', '--json'], { env: { OPENAI_API_KEY: 'sk-secretsecretsecret' } });
    expect(JSON.parse(out)).toMatchObject({
      source: 'the environment',
      providers: ['openai'],
      variables: [{ variable: 'OPENAI_API_KEY', isSet: true, secret: true, sets: ['providers.openai.apiKey'] }],
      issues: [],
    });
    expect(out).not.toContain('secretsecret');
  });
});
