import { mkdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { RouterError } from '../src/index.ts';
import { launchChromium } from '../tests/admin/chromium.ts';
import { openDesk, openScene, type Scene } from '../tests/admin/scene.ts';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const answer = 'A router asks the first server that can answer, and the next one when that one fails. Whoever waits notices nothing of it.';
const pieces = answer.split(/(?<= )/);

const large = 'llama-3.3-70b-instruct-q4_k_m';
const small = 'qwen3-8b';

type Id = 'gpu-box' | 'workstation' | 'cpu' | 'together';

/** A night in which one server has died and another one runs short of memory. */
function night(): Promise<Scene<Id>> {
  const models = [
    { id: large, sizeBytes: 42_500_000_000 },
    { id: small, sizeBytes: 5_200_000_000 },
  ];
  return openScene<Id>(
    {
      'gpu-box': { device: 'gpu', does: { pieces, firstMs: 90, pieceMs: 4, version: '0.14.3', models } },
      workstation: {
        device: 'gpu',
        maxConcurrent: 4,
        metadata: { room: 'lab 2', owner: 'vision group' },
        does: { pieces, firstMs: 180, pieceMs: 8, version: '0.14.1', models, load: { resident: models } },
      },
      cpu: {
        device: 'cpu',
        maxConcurrent: 2,
        does: { pieces, firstMs: 300, pieceMs: 12, models: models.slice(1), load: { resident: models.slice(1) } },
      },
      together: { type: 'together', enabled: false, apiKey: 'no-key-at-all' },
    },
    { balance: 'priority' },
  );
}

/** Ten minutes of calls, at the end of which two providers are in trouble. */
async function pass({ router, providers, skip }: Scene<Id>): Promise<void> {
  const ask = async (model: string, provider?: string): Promise<void> => {
    try {
      const stream = await router.stream({ model, messages: [{ role: 'user', content: 'What does a router do?' }] }, { provider });
      for await (const _chunk of stream) continue;
    } catch {
      return;
    }
  };
  for (let round = 0; round < 36; round++) {
    providers['gpu-box'].does.firstMs = 90 + 60 * Math.sin(round / 5) + 8 * (round % 3);
    const isBusy = round > 12 && round < 30;
    const calls = Array.from({ length: 2 + (round % 4) }, () => ask(small));
    await Promise.all([...calls, ...(isBusy ? [ask(small, 'workstation'), ask(small, 'workstation')] : [])]);
    if (round < 35) skip(15_000);
  }
  providers.workstation.does.failure = new RouterError('out_of_memory', 'CUDA out of memory.');
  await ask(large, 'workstation');
  providers.workstation.does.failure = undefined;
  providers['gpu-box'].does.failure = dead;
  providers['gpu-box'].does.sick = dead;
  for (let call = 0; call < 4; call++) await ask(small);
  for (let call = 0; call < 9; call++) void ask(small);
  await pause(900);
}

const dead = new RouterError('unavailable', 'gpu-box cannot be reached: ECONNREFUSED.', { phase: 'connect' });

async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${folder}admin-${name}.png`, fullPage: true, animations: 'disabled' });
}

async function ask(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Playground' }).click();
  await page.getByLabel('What to ask').fill('What does a router do?');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('The answer is complete.').waitFor();
}

async function shootAll(colorScheme: 'light' | 'dark', width: number): Promise<void> {
  await using scene = await night();
  const browser = await launchChromium();
  try {
    await using desk = await openDesk(browser, scene.url, { colorScheme, viewport: { width, height: 900 }, deviceScaleFactor: 1 });
    const { page } = desk;
    await pass(scene);
    await shoot(page, `overview-${colorScheme}-${width}`);
    if (colorScheme === 'light' || width === 1440) {
      await ask(page);
      await shoot(page, `playground-${colorScheme}-${width}`);
    }
    if (colorScheme === 'dark' && width === 1440) return;
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await page.getByText('workstation').locator('visible=true').last().click();
    await shoot(page, `settings-${colorScheme}-${width}`);
  } finally {
    await browser.close();
  }
}

if (import.meta.main) {
  mkdirSync(folder, { recursive: true });
  for (const scheme of ['light', 'dark'] as const) for (const width of [1440, 360]) await shootAll(scheme, width);
}
