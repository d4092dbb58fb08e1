import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';
import { notTested } from '../_kit/not-tested.ts';
import { findProgram } from '../_kit/system-program.ts';

const path = findProgram({
  variable: 'CHROMIUM_PATH',
  places: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  package: 'chromium',
});

export function launchChromium(executablePath: string | undefined = path): Promise<Browser> {
  if (executablePath === undefined) throw new Error('There is no Chromium.');
  // Without a sandbox it runs as root, as containers do; its pages are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
}

/** Tests that need a browser. Where there is none they say so; on a build server that is a failure. */
export function describeInChromium(name: string, body: (browser: () => Browser) => void): void {
  if (path === undefined) {
    return notTested(`there is no Chromium here and none could be installed: ${name}`, 'Install Debian’s chromium, or set CHROMIUM_PATH.');
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
