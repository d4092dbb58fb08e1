import { expect, test } from 'vitest';
import { RouterError } from '../../src/index.ts';
import { describeInChromium } from './chromium.ts';
import { logIn, openDesk, openPage, openScene, token } from './scene.ts';

const hello = { messages: [{ role: 'user' as const, content: 'Hello!' }] };
const dead = new RouterError('unavailable', 'gpu cannot be reached.', { phase: 'connect' });
const full = new RouterError('out_of_memory', 'CUDA out of memory.');

const upEvent = (id: number): string =>
  `data: ${JSON.stringify({ id, atMs: Date.now(), name: 'provider:up', payload: { provider: 'gpu' } })}\n\n`;

describeInChromium('the login', (browser) => {
  test('takes no wrong token, and says how long to wait after several', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openPage(browser(), scene.url);
    const { page } = watched;
    const problem = page.getByRole('alert');
    for (let attempt = 0; attempt < 6; attempt++) {
      await page.getByLabel('Admin token').fill(`not-the-token-${attempt}`);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByRole('button', { name: 'Log in' }).waitFor();
      await problem
        .getByText(attempt < 5 ? 'That is not the admin token of this server.' : /Too many wrong tokens .* Try again in \d+ s\./)
        .waitFor();
    }
    await logIn(page);
    expect(watched.breaches).toEqual([]);
  });

  test('keeps the token in this tab, sends it in one header, and forgets it on logout', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openPage(browser(), scene.url);
    const { page } = watched;
    const carriers = new Set<string>();
    page.on('request', (request) => {
      const { authorization, ...rest } = request.headers();
      if (authorization === `Bearer ${token}`) carriers.add('authorization');
      if (`${request.url()} ${request.postData() ?? ''} ${JSON.stringify(rest)}`.includes(token)) carriers.add(request.url());
    });
    await logIn(page);
    await page.reload();
    await page.getByRole('heading', { name: 'gpu', exact: true }).waitFor();
    expect([...carriers]).toEqual(['authorization']);
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage)')).toBe('{}');
    expect(await page.evaluate('document.documentElement.outerHTML')).not.toContain(token);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Admin token').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}');
    await page.reload();
    await page.getByLabel('Admin token').waitFor();
  });

  test('is over after 12 hours, also where the page was loaded anew', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openPage(browser(), scene.url);
    const { page } = watched;
    await page.clock.install();
    await page.reload();
    await logIn(page);
    await page.clock.fastForward('11:00:00');
    await page.reload();
    await page.getByRole('heading', { name: 'gpu', exact: true }).waitFor();
    await page.clock.fastForward('01:00:01');
    await page.getByText('You were logged out, because 12 hours are over.').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}');
  });

  test('ends when the server no longer takes the token', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.route('**/admin/api/state', (route) =>
      route.fulfill({ status: 401, json: { error: { code: 'invalid_token', message: 'No.' } } }),
    );
    await page.getByText('The server no longer takes this token.').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}');
  });
});

describeInChromium('the overview', (browser) => {
  test('shows each provider with everything that an operator asks for', async () => {
    const resident = [{ id: 'qwen3-8b', sizeBytes: 5_200_000_000 }];
    await using scene = await openScene({
      gpu: { device: 'gpu', maxConcurrent: 4, does: { version: '0.14.3', load: { resident }, failure: full } },
      cpu: { device: 'cpu', does: { pieces: ['yes'] } },
      spare: { enabled: false },
    });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await scene.router.chat({ ...hello, model: 'llama-70b' });
    const gpu = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'gpu', exact: true }) });
    await gpu.getByText(/llama-70b until \d\d:\d\d:\d\d \(in \d+ min/).waitFor();
    const text = (await gpu.textContent()) ?? '';
    for (const part of [
      'GPU · custom',
      'version 0.14.3',
      'Circuitclosed',
      'Queue0 of 4 slots; 0 waiting',
      'Errors1 in a row, 1 of 1 attempt',
      'qwen3-8b 5.2 GB',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toMatch(/Last errorout_of_memory \d\d:\d\d:\d\d \((?:now|\d+ s ago)\)/);
    const spare = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'spare' }) });
    await spare.getByText('switched off').waitFor();
    await page
      .getByLabel('What is wrong')
      .getByText(/gpu ran out of memory with llama-70b, others are preferred, until/)
      .waitFor();
    await page.getByText('A call moves from gpu to cpu: out_of_memory.').first().waitFor();
  });

  test('acts on a provider: test, unpin, close circuit; each write says that it is one', async () => {
    await using scene = await openScene({ gpu: { does: { failure: full } }, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const writes: (string | undefined)[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST')
        writes.push(`${new URL(request.url()).pathname} ${request.headers()['x-inferlane-admin']} ${request.postData()}`);
    });
    await scene.router.chat({ ...hello, model: 'm' });
    await page
      .getByLabel('What is wrong')
      .getByText(/ran out of memory/)
      .waitFor();
    await page.getByRole('button', { name: 'Unpin gpu' }).click();
    await page.getByText('1 model unpinned.').waitFor();
    await page.getByLabel('What is wrong').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Unpin gpu' }).click();
    await page.getByText('Nothing was pinned.').waitFor();
    await page.getByRole('button', { name: 'Test gpu' }).click();
    await page.getByText(/It did not answer \(\d+ ms\)\. all_failed: .*gpu: CUDA out of memory/).waitFor();
    await page.getByRole('button', { name: 'Test cpu' }).click();
    await page.getByText(/It answered in \d+ ms/).waitFor();
    Object.assign(scene.providers.gpu.does, { failure: dead, sick: dead });
    for (let call = 0; call < 6; call++) await scene.router.chat(hello, { provider: 'gpu' }).catch(() => undefined);
    await page
      .getByLabel('What is wrong')
      .getByText(/^gpu is left alone: circuit open after \d errors in a row, the last one unavailable, until/)
      .waitFor();
    Object.assign(scene.providers.gpu.does, { failure: undefined, sick: undefined });
    await page.getByRole('button', { name: 'Close circuit gpu' }).click();
    await page.getByText('1 circuit closed.').waitFor();
    await page
      .getByLabel('What is wrong')
      .getByText(/circuit open/)
      .waitFor({ state: 'detached' });
    expect(writes).toEqual([
      '/admin/api/unpin 1 {"provider":"gpu"}',
      '/admin/api/unpin 1 {"provider":"gpu"}',
      '/admin/api/test-provider 1 {"provider":"gpu"}',
      '/admin/api/test-provider 1 {"provider":"cpu"}',
      '/admin/api/close-circuit 1 {"provider":"gpu"}',
    ]);
  });

  test('tests failover: who answers without whom', async () => {
    await using scene = await openScene({ gpu: {}, cpu: { does: { failure: dead } } });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.getByRole('button', { name: 'Test failover' }).click();
    const dialog = page.getByRole('dialog', { name: 'Test failover' });
    expect(scene.providers.gpu.prompts).toEqual([]);
    await dialog.getByRole('button', { name: 'Test now' }).click();
    await dialog.getByText(/Without cpu: gpu answered in \d+ ms/).waitFor();
    await dialog.getByText(/Without gpu: nobody answered \(/).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  test('shows calls as they begin, wait and end, and counts what they took', async () => {
    await using scene = await openScene({ gpu: { maxConcurrent: 1, does: { firstMs: 900, pieces: ['a', 'b'] } } });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const ask = async (): Promise<void> => {
      for await (const _chunk of await scene.router.stream({ ...hello, model: 'qwen3' })) continue;
    };
    const both = Promise.all([ask(), ask()]);
    const calls = page.getByRole('region', { name: 'List of calls' });
    await calls.getByText('under way').first().waitFor();
    await calls.getByText('waits').waitFor();
    await both;
    await calls.getByText('answered').nth(1).waitFor();
    await calls
      .getByText(/first \d+ ms/)
      .first()
      .waitFor();
    await page.getByText(/9\d\d ms in the middle, /).waitFor();
    await page.getByText(/2 answers, [\d.]+ tokens\/s at most/).waitFor();
  });

  test('holds a list that is being read, and shows only what was asked for', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const log = page.getByLabel('Events, the latest first');
    await scene.router.chat(hello);
    await log.getByText(/^gpu answered after/).waitFor();
    await page.getByLabel('Show').selectOption('decisions');
    await log.getByText(/^gpu answered after/).waitFor({ state: 'detached' });
    await page.getByLabel('Show').selectOption('all');
    await page.getByRole('button', { name: 'Hold the list of events' }).click();
    await scene.router.chat(hello);
    await page.getByText(/^2 answers, /).waitFor();
    expect(await log.getByText(/^gpu answered after/).count()).toBe(1);
    await page.getByRole('button', { name: 'Hold the list of events' }).click();
    await log
      .getByText(/^gpu answered after/)
      .nth(1)
      .waitFor();
  });
});

describeInChromium('what goes wrong while somebody watches', (browser) => {
  test('a provider dies, its calls move, and it comes back', async () => {
    await using scene = await openScene({ gpu: { device: 'gpu' }, cpu: { device: 'cpu' } });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.getByRole('heading', { name: 'All 2 providers serve calls' }).waitFor();
    expect(await page.title()).toBe('All 2 providers serve calls · inferlane');
    Object.assign(scene.providers.gpu.does, { failure: dead, sick: dead });
    for (let call = 0; call < 6; call++) await scene.router.chat(hello);
    await page.getByRole('heading', { name: '1 of 2 providers serves calls' }).waitFor();
    expect(await page.title()).toMatch(/^! 1 of 2/);
    await page
      .getByLabel('What is wrong')
      .getByText(/^gpu (?:is left alone: circuit open|does not answer)/)
      .first()
      .waitFor();
    await page.getByText('A call moves from gpu to cpu: unavailable.').first().waitFor();
    Object.assign(scene.providers.gpu.does, { failure: undefined, sick: undefined });
    scene.skip(120_000);
    // The next call that comes once it is known to be up again is its probe.
    await expect.poll(async () => (await scene.router.chat(hello)).route.provider).toBe('gpu');
    await page.getByRole('heading', { name: 'All 2 providers serve calls' }).waitFor();
    expect(watched.breaches).toEqual([]);
  });

  test('the server goes away and comes back: it is said, and what was missed is said', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.clock.install();
    await page.getByText('live', { exact: true }).waitFor();
    await scene.stop();
    await page.getByText(/no connection since \d\d:\d\d:\d\d/).waitFor();
    await page.clock.fastForward(16_000);
    await page.getByRole('heading', { name: 'The server does not answer' }).waitFor();
    expect(await page.title()).toBe('? The server does not answer · inferlane');
    await scene.router.chat(hello);
    await scene.start();
    await page.clock.fastForward(16_000);
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByText('The connection was lost and is back. What happened in between is not shown here.').waitFor();
    await page.getByRole('heading', { name: 'The only provider serves calls' }).waitFor();
    await scene.router.chat(hello);
    await page
      .getByLabel('Events, the latest first')
      .getByText(/^gpu answered after/)
      .waitFor();
  });

  test('events that did not arrive are counted', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openPage(browser(), scene.url);
    const { page } = watched;
    await page.route('**/admin/api/events', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: upEvent(1) + upEvent(2) + upEvent(9) }),
    );
    await logIn(page);
    await page.getByText('6 events were left out, because this page was too slow for them.').first().waitFor();
  });
});
