import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function found(): string | undefined {
  return [process.env['CHROMIUM_PATH'], ...places].find((path) => path !== undefined && path !== '' && existsSync(path));
}

/** Debian's, where this process may install it. Whoever comes second waits for the first, and then finds it there. */
function installed(): string | undefined {
  const isPossible = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!isPossible) return undefined;
  const lock = ['-o', 'DPkg::Lock::Timeout=240', '-o', 'APT::Get::Lock::Timeout=240'];
  const apt = (...words: readonly string[]): void =>
    void execFileSync('apt-get', [...lock, ...words], { stdio: 'ignore', timeout: 300_000 });
  const install = (): void => apt('install', '-y', '--no-install-recommends', 'chromium');
  try {
    install();
  } catch {
    // A fresh machine has no lists of packages yet.
    try {
      apt('update');
      install();
    } catch {
      return found();
    }
  }
  return found();
}

const path = found() ?? installed();

export function launchChromium(executablePath: string | undefined = path): Promise<Browser> {
  if (executablePath === undefined) throw new Error('There is no Chromium.');
  // Without a sandbox it runs as root, as containers do; its pages are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
}

/** Tests that need a browser. Where there is none they say so; on a build server that is a failure. */
export function describeInChromium(name: string, body: (browser: () => Browser) => void): void {
  if (path === undefined) {
    const sentence = `NOT TESTED, because there is no Chromium here and none could be installed: ${name}`;
    // Each name of a test is printed, so this one is seen.
    const isBuildServer = (process.env['CI'] ?? '') !== '';
    if (isBuildServer) {
      test(sentence, () => {
        throw new Error('Install Debian’s chromium, or set CHROMIUM_PATH.');
      });
    } else {
      process.stderr.write(`\n${sentence}\n`);
      test.skip(sentence);
    }
    return;
  }
  // Where all tests run at once a page may take its time.
  describe(name, { timeout: 45_000 }, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      browser = await launchChromium();
    }, 60_000);
    afterAll(() => browser?.close());
    body(() => browser as Browser);
  });
}
