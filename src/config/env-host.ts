import { parseProviderUrl } from './provider-url.ts';

/**
 * OLLAMA_HOST as Ollama reads it (`envconfig/config.go`): a host, `host:port`, `:port` or an address; port 11434 unless a
 * scheme stands in front, which brings its own; bare `ollama.com` means the cloud. It tells the server where to listen, so
 * an address that stands for all of them becomes the loopback one here. A bad port is refused, where Ollama would ignore it.
 */
export function parseHost(text: string): { readonly value: string } | { readonly problem: string } {
  // Ollama takes quotes and blanks off first.
  const host = text
    .trim()
    .replace(/^["']|["']$/g, '')
    .trim();
  const problem = 'must be a host, host:port or http://host:port';
  if (host === '') return { problem };
  if (host.toLowerCase() === 'ollama.com') return { value: 'https://ollama.com' };
  const result = parseProviderUrl(host.includes('://') ? host : `http://${withPort(host)}`);
  return 'parsed' in result && result.parsed.authorization === undefined ? { value: result.parsed.url } : { problem };
}

function withPort(text: string): string {
  const slash = text.indexOf('/');
  const [authority, path] = slash === -1 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
  // A bare IPv6 address has several colons and no brackets.
  const host = authority.split(':').length > 2 && !authority.startsWith('[') ? `[${authority}]` : authority;
  const named = host.startsWith(':') ? `127.0.0.1${host}` : host === '' ? '127.0.0.1' : host;
  return `${/:\d+$/.test(named.replace(/^\[.*\]/, '')) ? named : `${named}:11434`}${path}`;
}
