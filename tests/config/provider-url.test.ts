import { describe, expect, test } from 'vitest';
import { parseProviderUrl } from '../../src/config/provider-url.ts';

function url(text: string): string {
  const result = parseProviderUrl(text);
  return 'parsed' in result ? result.parsed.url : result.problems.join(' | ');
}

describe('an address', () => {
  test.each([
    ['http://box', 'http://box'],
    ['http://box/', 'http://box'],
    ['http://box/v1', 'http://box'],
    ['http://box/v1/', 'http://box'],
    ['http://box//v1//', 'http://box'],
    ['http://box/v1/v1', 'http://box'],
    ['http://box/ollama', 'http://box/ollama'],
    ['http://box/ollama/v1/', 'http://box/ollama'],
    ['http://box/v1beta', 'http://box/v1beta'],
    ['http://box/av1', 'http://box/av1'],
    ['http://box:80/', 'http://box'],
    ['https://box:443', 'https://box'],
    ['HTTP://Box:8000', 'http://box:8000'],
    ['http://localhost:11434', 'http://localhost:11434'],
    ['http://[::1]:11434', 'http://[::1]:11434'],
    ['  http://box \n', 'http://box'],
    ['http://0.0.0.0:8000', 'http://127.0.0.1:8000'],
    ['http://[::]:8000', 'http://[::1]:8000'],
    ['http://xn--bcher-kva.example', 'http://xn--bcher-kva.example'],
  ])('%j is %s', (text, expected) => {
    expect(url(text)).toBe(expected);
  });

  test('tells whether it was one to bind to', () => {
    expect(parseProviderUrl('http://0.0.0.0')).toMatchObject({ parsed: { wasBindAddress: true } });
    expect(parseProviderUrl('http://127.0.0.1')).toMatchObject({ parsed: { wasBindAddress: false } });
  });

  test.each([
    ['http://user:pass@box', 'user:pass'],
    ['http://user@box', 'user:'],
    ['http://:pass@box', ':pass'],
    ['http://us%3Aer:p%40%C3%A4@box', 'us:er:p@ä'],
    ['http://user:p@ss@box', 'user:p@ss'],
  ])('%s gives up its credentials', (text, credentials) => {
    const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    expect(parseProviderUrl(text)).toEqual({ parsed: { url: 'http://box', authorization, wasBindAddress: false } });
  });
});

describe('refused', () => {
  test.each([
    'box:8000',
    'box',
    '',
    'ftp://box',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http://',
    'http:box',
    'http://box?key=canary',
    'http://box/?',
    'http://box#canary',
    'http://box\\canary',
    'http://bo\tx',
    'http://box:0',
    'http://box:9',
    'https://box:6667',
    'http://box:65536',
    'http://box.',
    'http://2130706433',
    'http://0x7f.1',
    'http://0177.0.0.1',
    'http://127.1',
    'http://bücher.example',
    'http://１２７.0.0.1',
    'http://%31%32%37.0.0.1',
    'http://user:canary@2130706433',
    'http://canary%zz@box',
    `http://box/${'a'.repeat(2_100)}`,
    'http://user:canary@box:9/?canary#canary',
  ])('%j', (text) => {
    const result = parseProviderUrl(text);
    expect(result).not.toHaveProperty('parsed');
    expect(JSON.stringify(result)).not.toContain('canary');
  });

  test('the sentences', () => {
    const texts = [
      'box',
      'ftp://box',
      'http:box',
      'http://b?x#y',
      'http://b\\c',
      'http://b:9',
      'http://b.',
      'http://2130706433',
      'http://%zz@b',
    ];
    expect(texts.map(url)).toMatchInlineSnapshot(`
      [
        "is no address; write it like http://127.0.0.1:11434",
        "must begin with http:// or https://",
        "must have // after http: or https:",
        "has a query; only the address of the server belongs here (keys go into apiKey or headers) | has a fragment; only the address of the server belongs here",
        "holds a backslash or a control character; use / and nothing invisible",
        "has port 9, which no fetch opens; let the server listen on another",
        "has a dot at the end of the host; leave it out",
        "has a host in a form that is read as another one; write it as 127.0.0.1",
        "has a % in the user name or password that stands for nothing; write %25",
      ]
    `);
  });

  test('a long run of slashes costs no time', () => {
    expect(url(`http://box${'/'.repeat(2_000)}x`)).toHaveLength(2_011);
  });
});

test('the blocked ports are those the platform refuses', async () => {
  const blocked = [1, 22, 25, 53, 143, 587, 993, 2049, 4190, 5060, 6000, 6566, 6665, 6669, 6679, 6697, 10080];
  for (const port of blocked) {
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ cause: { message: 'bad port' } });
    expect(url(`http://127.0.0.1:${port}`)).toContain(`has port ${port}`);
  }
});
