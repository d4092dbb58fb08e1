import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// It starts processes and loads native code: on a busy machine that takes its time.
const limitMs = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'inferlane-demo-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const main = new URL('../../examples/demo/main.ts', import.meta.url).pathname;

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo with pipes for its output. `onOutput` sees all that was written so far. */
async function run(options: { nodeOptions?: string; onOutput?: (stdout: string, kill: () => void) => void } = {}): Promise<Run> {
  const env = { ...process.env, TMPDIR: folder, NODE_OPTIONS: options.nodeOptions ?? '' };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    options.onOutput?.(stdout, () => child.kill('SIGTERM'));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The process that it starts, and kills. */
function cpuBoxIn(stdout: string): number {
  return Number(/real: process (\d+)/.exec(stdout)?.[1]);
}

describe('the demo', () => {
  let demo: Run;
  beforeAll(async () => {
    demo = await run();
  }, limitMs);

  test('succeeds without a word on the error output', () => {
    expect(demo).toMatchObject({ code: 0, stderr: '' });
  });

  test('tells what happened, in order', () => {
    const facts = [
      '1.  gpu      tiny:8b',
      'cloud    tiny-large  skipped: costs money',
      'attempt:error  ✗ gpu  out_of_memory',
      'gpu  out_of_memory: tiny:8b is pinned for 30 min',
      'failover       ↪ gpu → cpu  (out_of_memory)',
      'tokens         Hello from a tiny model.\n',
      'gpu  skipped: the model ran out of memory there',
      'answer         Hello from a tiny model.\n',
      'route          ✓ cpu-box  tiny',
      'SIGKILL',
      'failover       ↪ cpu-box → cpu  (unavailable)',
      'tokens         Hello from a tiny model.\n',
      'vectors        3 of 64 numbers',
      'provider  type',
      'tiny:8b (pinned)',
      'cpu-box   ollama             cpu     down',
      '5 calls, 7 attempts, 2 failovers, 1 pin, 0 paid calls; 0 errors seen by the caller.',
    ];
    let rest = demo.stdout;
    for (const fact of facts) {
      expect(rest).toContain(fact);
      rest = rest.slice(rest.indexOf(fact) + fact.length);
    }
  });

  test('asks the GPU for an answer once', () => {
    expect(demo.stdout.match(/→ gpu {2}/g)).toHaveLength(1);
  });

  test('writes plain text where there is no terminal', () => {
    // oxlint-disable-next-line eslint/no-control-regex
    expect(demo.stdout).not.toMatch(/[\u001b\r\b]/);
  });

  test('fits on a screen of 100 columns and 80 lines', () => {
    const lines = demo.stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(80);
  });

  test('leaves no file and no process behind', () => {
    expect(readdirSync(folder)).toEqual([]);
    expect(isAlive(cpuBoxIn(demo.stdout))).toBe(false);
  });
});

describe('the demo that cannot go on', () => {
  const withoutLlama = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      if (name === 'node-llama-cpp') throw Object.assign(new Error('missing'), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(name, context);
    } });`;

  test(
    'says in one sentence what to install, fails, and leaves no file behind',
    async () => {
      const { code, stderr } = await run({ nodeOptions: `--import=data:text/javascript,${encodeURIComponent(withoutLlama)}` });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^The demo infers on this machine's CPU\. .*npm install node-llama-cpp\n$/);
      expect(readdirSync(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    'leaves no file and no process behind when it is interrupted',
    async () => {
      const { code, stdout } = await run({ onOutput: (written, kill) => written.includes('attempt:start') && kill() });
      expect(code).toBe(1);
      expect(readdirSync(folder)).toEqual([]);
      await expect.poll(() => isAlive(cpuBoxIn(stdout)), { timeout: limitMs }).toBe(false);
    },
    limitMs,
  );
});
