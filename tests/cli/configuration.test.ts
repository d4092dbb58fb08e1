import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fromJson, providerTypes } from '../../src/index.ts';
import { usualUrls } from '../../src/cli/local-servers.ts';
import { models } from '../../src/testing/index.ts';
import { loopback } from '../_kit/loopback.ts';
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

  test('the usual ports are those of every local server, and of the second Ollama', () => {
    const local = Object.values(providerTypes).flatMap(({ defaultUrl }) => (defaultUrl?.startsWith('http:') ? [defaultUrl] : []));
    expect(new Set(usualUrls)).toEqual(new Set([...local, 'http://127.0.0.1:11435']));
    expect(usualUrls).toHaveLength(new Set(usualUrls).size);
  });
});

describe('init', () => {
  test('writes what it finds, each with its models, and a reference in place of a key', async () => {
    const gpu = await server('ollama', models(['nomic-embed-text', 'llama3.1:8b']));
    const cpu = await server('ollama', models(['llama3.1:8b']));
    const folder = emptyFolder();
    const env = { OPENAI_API_KEY: 'sk-secretsecretsecret' };
    const { code, out, err } = await run(['init'], { folder, env, localUrls: [gpu.url, cpu.url, await deadUrl()] });
    expect({ code, out }).toEqual({ code: 0, out: '' });
    const text = readFileSync(join(folder, 'inferlane.json'), 'utf8');
    expect(JSON.parse(text)).toEqual({
      providers: {
        ollama: { type: 'ollama', url: gpu.url, defaultModel: 'llama3.1:8b', embeddingModel: 'nomic-embed-text' },
        [`ollama-${new URL(cpu.url).port}`]: { type: 'ollama', url: cpu.url, defaultModel: 'llama3.1:8b' },
        openai: { type: 'openai', apiKey: '${OPENAI_API_KEY}' },
      },
    });
    expect(err).toMatch(/^found: Ollama .* at 127\.0\.0\.1:\d+\nfound: Ollama/);
    expect(err).toContain('found: a key for openai, as ${OPENAI_API_KEY}');
    expect(err).toContain('"allowPaid": true');
    expect(text + err).not.toContain('secretsecret');
    expect(await run(['check'], { folder, env })).toMatchObject({ code: 0 });
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
