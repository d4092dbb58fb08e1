/** Where a server may want to send a client. `front`: the port of the configured server, `target`: that of the recording one. */
export function locationsFor(front: number, target: number): string[] {
  const hosts = [
    `127.0.0.1:${target}`,
    `localhost:${target}`,
    `[::1]:${target}`,
    `[::ffff:127.0.0.1]:${target}`,
    `[::ffff:7f00:1]:${target}`,
    `0.0.0.0:${target}`,
    `127.1:${target}`,
    `2130706433:${target}`,
    `0x7f000001:${target}`,
    `017700000001:${target}`,
    `127.0.0.1.:${target}`,
    '169.254.169.254',
    '169.254.169.254.',
    '2852039166',
    '0xa9fea9fe',
    '[::ffff:a9fe:a9fe]',
    'metadata.google.internal',
    'evil',
    'evil.example',
    'xn--evl-1pa.example',
    '%65vil.example',
  ];
  const forms: readonly ((host: string) => string)[] = [
    (host) => `http://${host}/latest/meta-data/`,
    (host) => `https://${host}/`,
    (host) => `//${host}/`,
    (host) => `///${host}/`,
    (host) => `/\\${host}/`,
    (host) => `\\\\${host}\\`,
    (host) => `http:/${host}/`,
    (host) => `http:${host}`,
    (host) => `HTTP://${host}`,
    (host) => `http:\\\\${host}`,
    (host) => `http://user:word@${host}/`,
    (host) => `http://127.0.0.1:${front}@${host}/`,
    (host) => `  http://${host}/?x#y`,
    (host) => `ws://${host}/`,
    (host) => `ftp://${host}/`,
  ];
  const own = [`http://127.0.0.1:${front}`, `http://localhost:${front}`, '', '//127.0.0.1:' + String(front)];
  const paths = [
    '/followed',
    '/followed/v1/chat/completions',
    '/healthy/v1/chat/completions',
    '/../followed',
    '/followed?x=1',
    '/%2e%2e/followed',
  ];
  const odd = [
    '',
    '.',
    '..',
    '?followed',
    '#followed',
    'followed',
    './followed',
    '../followed',
    'file:///etc/passwd',
    'file://evil/etc/passwd',
    'data:application/json,{"choices":[]}',
    'javascript:alert(1)',
    'blob:http://evil/1',
    'gopher://evil:70/1',
    'about:blank',
    'mailto:someone@evil.example',
    'http://',
    'http:///',
    '://',
    'http://[',
    `http://127.0.0.1:${target}:${target}/`,
    `http://127.0.0.1:99999/`,
    `/${'a'.repeat(8_000)}`,
  ];
  return [
    ...hosts.flatMap((host) => forms.map((form) => form(host))),
    ...own.flatMap((origin) => paths.map((path) => origin + path)),
    ...odd,
  ];
}

export const statuses = [301, 302, 303, 307, 308] as const;
