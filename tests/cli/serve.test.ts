import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { providerTypes } from '../../src/index.ts';
import { usualPort } from '../../src/cli/serve-settings.ts';
import { usualPlaces } from '../../src/cli/local-servers.ts';
import { foundInWords, unaskedInWords } from '../../src/cli/unasked.ts';
import { reply, slow } from '../../src/testing/index.ts';
import { emptyFolder, run } from './cli-kit.ts';
import { adminToken, chat, folderOf, ollama, otherToken, serveHere, statusAs, token, wordsOf } from './serve-kit.ts';

// `inferlane serve` in this process. What takes a process of its own is in serve-process.test.ts.

const question = { model: 'default', messages: [{ role: 'user', content: 'Is it?' }] };

function post(url: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
}

/** What the table of addresses says. */
function addressesIn(out: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...out.matchAll(/^(.+?) {2,}(http\S+)$/gm)].map(([, name = '', address = '']) => [name, address]));
}

describe('a server', () => {
  test('answers in the three APIs, whole and as a stream, where it says', async () => {
    const { out, url } = await serveHere({ folder: folderOf(await ollama(...Array.from({ length: 5 }, () => reply('Yes it is.')))) });
    const at = addressesIn(out);
    const whole = await post(`${at["OpenAI's API"]}/chat/completions`, question);
    expect(await whole.json()).toMatchObject({ object: 'chat.completion', choices: [{ message: { content: 'Yes it is.' } }] });
    expect(await wordsOf(await chat(url, { stream: true }))).toEqual({ words: 'Yes it is.', isDone: true, error: undefined });
    const message = await post(`${at["Anthropic's API"]}/v1/messages`, { ...question, max_tokens: 9 });
    expect(await message.json()).toMatchObject({ type: 'message', content: [{ type: 'text', text: 'Yes it is.' }] });
    const answer = await post(`${at["Ollama's API"]}/api/chat`, { ...question, stream: false });
    expect(await answer.json()).toMatchObject({ done: true, message: { content: 'Yes it is.' } });
    expect(await (await fetch(at['its health'] ?? '')).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(at['its metrics'] ?? '')).text()).toContain(
      'inferlane_requests_total{verb="stream",intent="fast",outcome="ok"} 1\n',
    );
    expect(out).toContain('1 provider from inferlane.json: gpu (ollama).');
  });

  test('shows a call that works as it stands', async () => {
    const { out } = await serveHere({ env: { INFERLANE_TOKENS: token } });
    const [, url = '', rest = ''] = /^curl (\S+) (.*)$/m.exec(out) ?? [];
    const headers = [...rest.matchAll(/-H (["'])(.*?)\1/g)].map(
      ([, , header = '']) => header.replace('$TOKEN', token).split(': ') as [string, string],
    );
    const body = / -d '(.*)'$/.exec(rest)?.[1] ?? '';
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200);
    expect(out).not.toContain(token);
  });

  test('ends with 0 when it is told to stop, and frees its port', async () => {
    const { url, stop } = await serveHere({});
    expect(await (await chat(url)).json()).toMatchObject({ object: 'chat.completion' });
    expect((await stop()).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  test('answers what comes by a busy connection while it stops, and closes that connection', async () => {
    const { url, stop } = await serveHere({ folder: folderOf(await ollama(slow(4, reply('one two three four')))) });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    const body = JSON.stringify({ ...question, stream: true });
    const head = `host: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${head}\r\n\r\n${body}`);
    await expect.poll(() => text).toContain('one');
    const ended = stop();
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(socket, 'close');
    expect(text.slice(text.indexOf('[DONE]'))).toMatch(/HTTP\/1\.1 200 OK[^]*\r\nconnection: close\r\n[^]*"status":"ok"/i);
    expect((await ended).code).toBe(0);
  });

  test('uses what answers on this machine where nothing is configured', async () => {
    const { url } = await ollama(reply('Yes.'));
    const { err, out } = await serveHere({ folder: emptyFolder(), localUrls: [url] }, ['--log', 'text']);
    expect(err()).toContain('Nothing is configured; using what answers on this machine: Ollama at');
    expect(out).toContain('1 provider from the usual ports of this machine: ollama.');
  });

  test('asks its providers how they are without a call, as the configuration says', async () => {
    const gpu = await ollama();
    await serveHere({ folder: folderOf(gpu) });
    await expect.poll(() => gpu.requests.length).toBeGreaterThan(0);
  });

  test('has a usual port that no inference server has', () => {
    const taken = [...usualPlaces.map(({ url }) => url), ...Object.values(providerTypes).flatMap(({ defaultUrl = [] }) => defaultUrl)];
    expect(taken.map((url) => Number(new URL(url).port))).not.toContain(usualPort);
  });

  test('says that a variable, and not an option, is what allows to pay', () => {
    const unasked = { provider: 'openai', variable: 'OPENAI_API_KEY' };
    expect(foundInWords([], unasked, 'ENABLE_PAID_API=true')).toContain('cost money, and are made only with ENABLE_PAID_API=true.');
    expect(unaskedInWords(unasked, 'ENABLE_PAID_API=true')).toContain('; ENABLE_PAID_API=true says that paying is meant.');
  });

  test('cuts half a request after 10 s, and no stream', { timeout: 30_000 }, async () => {
    const gpu = await ollama(slow(1, reply('word '.repeat(14).trim())));
    const { url } = await serveHere({ folder: folderOf(gpu) });
    const stream = chat(url, { stream: true });
    const slowOne = connect(Number(new URL(url).port), '127.0.0.1');
    slowOne.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n');
    slowOne.resume();
    const cut = await Promise.race([once(slowOne, 'close').then(() => 'cut'), sleep(14_000, 'still there')]);
    expect(cut).toBe('cut');
    expect(await wordsOf(await stream)).toMatchObject({ words: 'word '.repeat(14).trim(), isDone: true });
  });
});

describe('who is answered', () => {
  test.each([
    ['--host', ['--host', '0.0.0.0'], {}],
    ['--host', ['--host', '::'], {}],
    ['--host', ['--host', '[2001:db8::1]'], {}],
    ['--host', ['--host', '127.0.0.1.evil.test'], {}],
    ['HOST', [], { HOST: '192.168.1.5' }],
    ['HOST', [], { HOST: '0.0.0.0', INFERLANE_ADMIN_TOKEN: adminToken }],
  ])('others only with a token: %s %o %o is refused before anybody is asked', async (source, argv, env) => {
    const gpu = await ollama();
    const { code, out, err } = await run(['serve', '--port', '0', ...argv], { folder: folderOf(gpu), env });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`error: ${source} would let other machines in, and no token says who may call.\n  Set INFERLANE_TOKENS`);
    expect(gpu.requests).toEqual([]);
  });

  test('--host stands before HOST', async () => {
    await serveHere({ env: { HOST: '0.0.0.0' } }, ['--host', 'localhost']);
  });

  test('whoever has one of the tokens, and nobody else', async () => {
    const { url, out } = await serveHere({ env: { INFERLANE_TOKENS: `${token}, ${otherToken}` } });
    expect(out).toContain('for who has one of 2 tokens');
    const statuses = [undefined, `${token}x`, adminToken, token, otherToken].map(async (given) => {
      return (await chat(url, given === undefined ? {} : { token: given })).status;
    });
    expect(await Promise.all(statuses)).toEqual([401, 401, 401, 200, 200]);
  });

  test('whoever has a token of the file', async () => {
    const folder = folderOf(await ollama(reply('Yes.')));
    writeFileSync(join(folder, 'tokens.txt'), `\ufeff${token}\r\n\n  ${otherToken}\n`);
    const { url } = await serveHere({ folder, env: { INFERLANE_TOKEN_FILE: 'tokens.txt' } });
    expect((await chat(url, { token: otherToken })).status).toBe(200);
    expect((await chat(url)).status).toBe(401);
  });

  test('under the names that it was told, and those of this machine', async () => {
    const { url, err } = await serveHere({ env: { INFERLANE_TOKENS: token, INFERLANE_HOSTS: 'gpu-box.lan, 10.0.0.5' } }, [
      '--host',
      '0.0.0.0',
    ]);
    const hosts = ['localhost', 'gpu-box.lan:80', '10.0.0.5', 'evil.test', '0.0.0.0'];
    expect(await Promise.all(hosts.map((host) => statusAs(host, url, token)))).toEqual([200, 200, 200, 403, 403]);
    expect(err()).not.toContain('INFERLANE_HOSTS');
  });

  test('under the address that it listens on', async () => {
    const { url } = await serveHere({ env: { INFERLANE_TOKENS: token } }, ['--host', '127.0.0.2']);
    expect(await Promise.all(['127.0.0.2', '127.0.0.3'].map((host) => statusAs(host, url, token)))).toEqual([200, 403]);
  });

  test('under any name where that is what INFERLANE_HOSTS says', async () => {
    const { url } = await serveHere({ env: { INFERLANE_TOKENS: token, INFERLANE_HOSTS: 'any' } }, ['--host', '0.0.0.0']);
    expect(await statusAs('evil.test', url, token)).toBe(200);
  });

  test('others by no name at all as long as it knows none, which it says', async () => {
    const { err } = await serveHere({ env: { INFERLANE_TOKENS: token } }, ['--host', '0.0.0.0', '--log', 'text']);
    expect(err()).toMatch(/^note: others cannot call yet: .*Set INFERLANE_HOSTS/m);
  });

  test('this machine alone without tokens, whatever INFERLANE_HOSTS says', async () => {
    const { url, err } = await serveHere({ env: { INFERLANE_HOSTS: 'any' } }, ['--log', 'text']);
    expect(await statusAs('gpu-box.lan', url, token)).toBe(403);
    expect(err()).toMatch(/^note: INFERLANE_HOSTS has no effect without tokens/m);
  });

  test('pages of ALLOWED_ORIGINS, and of no other origin', async () => {
    const { url } = await serveHere({ env: { ALLOWED_ORIGINS: 'https://one.example, https://two.example' } });
    const statuses = ['https://two.example', 'https://three.example'].map(async (origin) => {
      return (await post(`${url}/v1/chat/completions`, question, { origin })).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 403]);
  });

  test('an operator by a token of its own, where there is one', async () => {
    const off = await serveHere({ env: { INFERLANE_TOKENS: token } });
    expect((await fetch(`${off.url}/admin`)).status).toBe(404);
    expect(off.out).toContain('off; INFERLANE_ADMIN_TOKEN turns it on');
    const on = await serveHere({ env: { INFERLANE_ADMIN_TOKEN: adminToken } });
    expect(on.out).toContain(`${on.url}/admin\n`);
    expect((await fetch(`${on.url}/admin`)).status).toBe(200);
    const state = (bearer: string): Promise<Response> =>
      fetch(`${on.url}/admin/api/state`, { headers: { authorization: `Bearer ${bearer}` } });
    expect([(await state(token)).status, (await state(adminToken)).status]).toEqual([401, 200]);
  });
});

describe('what cannot be', () => {
  test.each([
    ['PORT', { PORT: 'http' }, 'PORT\n    must be a whole number from 0 to 65535'],
    ['PORT', { PORT: '65536' }, 'PORT\n    must be a whole number from 0 to 65535'],
    ['PORT', { PORT: ' ' }, 'PORT\n    is empty'],
    ['HOST', { HOST: '' }, 'HOST\n    is empty'],
    ['INFERLANE_TOKENS', { INFERLANE_TOKENS: '' }, 'INFERLANE_TOKENS\n    is empty'],
    ['INFERLANE_TOKENS', { INFERLANE_TOKENS: `${token},` }, 'INFERLANE_TOKENS, entry 2\n    must have 16 characters'],
    ['INFERLANE_TOKENS', { INFERLANE_TOKENS: 'secret-0123456789' }, 'INFERLANE_TOKENS, entry 1\n    looks like the token of an example'],
    ['INFERLANE_TOKENS', { INFERLANE_TOKENS: token, INFERLANE_TOKEN_FILE: 'empty.txt' }, 'INFERLANE_TOKENS\n    stands beside'],
    ['INFERLANE_TOKEN_FILE', { INFERLANE_TOKEN_FILE: '' }, 'INFERLANE_TOKEN_FILE\n    is empty'],
    ['INFERLANE_TOKEN_FILE', { INFERLANE_TOKEN_FILE: 'empty.txt' }, 'INFERLANE_TOKEN_FILE\n    names a file without a token'],
    ['INFERLANE_TOKEN_FILE', { INFERLANE_TOKEN_FILE: 'weak.txt' }, 'INFERLANE_TOKEN_FILE, entry 2\n    must have 16 characters'],
    ['INFERLANE_TOKEN_FILE', { INFERLANE_TOKEN_FILE: 'nope.txt' }, 'cannot be read: it does not exist'],
    ['INFERLANE_TOKEN_FILE', { INFERLANE_TOKEN_FILE: '.' }, 'cannot be read: it is a folder'],
    ['INFERLANE_TOKEN_FILE', { INFERLANE_TOKEN_FILE: '/dev/zero' }, 'cannot be read: it is longer than 256 KiB'],
    ['INFERLANE_ADMIN_TOKEN', { INFERLANE_ADMIN_TOKEN: token }, 'INFERLANE_ADMIN_TOKEN\n    must have 22 characters'],
    ['INFERLANE_HOSTS', { INFERLANE_TOKENS: token, INFERLANE_HOSTS: 'a.lan,http://b' }, 'INFERLANE_HOSTS, entry 2\n    must be a name'],
    ['ALLOWED_ORIGINS', { ALLOWED_ORIGINS: 'app.example.com' }, 'ALLOWED_ORIGINS, entry 1\n    must be an origin'],
  ])('a wrong %s ends with 3, by its name and without its value: %o', async (_variable, env, message) => {
    const folder = folderOf(await ollama());
    writeFileSync(join(folder, 'empty.txt'), '\n\n');
    writeFileSync(join(folder, 'weak.txt'), `${token}\nabc123\n`);
    const { code, out, err } = await run(['serve', ...('PORT' in env ? [] : ['--port', '0'])], { folder, env });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain(message);
    for (const value of [token, 'secret-0123456789', 'abc123']) expect(err).not.toContain(value);
  });

  test('everything that is wrong is told at once', async () => {
    const { err } = await run(['serve'], {
      folder: folderOf(await ollama()),
      env: { PORT: 'x', INFERLANE_TOKENS: '', INFERLANE_HOSTS: '' },
    });
    expect(err).toContain('3 things are wrong');
  });

  test('a port that is taken ends with 1 and says what to do', async () => {
    const { url } = await serveHere({});
    const { code, out, err } = await run(['serve', '--port', new URL(url).port], { folder: folderOf(await ollama()) });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(`error: Something else listens on ${new URL(url).host}.\n  --port names another port; 0 takes one that is free.\n`);
  });

  test('an address that is not of this machine ends with 1', async () => {
    const world = { folder: folderOf(await ollama()), env: { INFERLANE_TOKENS: token } };
    const { code, err } = await run(['serve', '--port', '0', '--host', '203.0.113.9'], world);
    expect(code).toBe(1);
    expect(err).toContain('error: This machine has no address 203.0.113.9.\n');
  });

  test.each([
    ['--port', '65536'],
    ['--port', '-1'],
    ['--drain', '1.5'],
    ['--drain', '3601'],
    ['--log', 'xml'],
  ])('%s %s ends with 2', async (option, value) => {
    expect(await run(['serve', `${option}=${value}`], { folder: folderOf(await ollama()) })).toMatchObject({ code: 2, out: '' });
  });
});
