import type { Router } from '../index.ts';
import { counted, listed } from './figures.ts';
import type { Paint } from './paint.ts';
import { plainLine } from './plain-text.ts';
import { inUrl, isWildcard, type ServeSettings } from './serve-settings.ts';
import { table } from './table.ts';

/** What came of the settings. */
interface Began {
  readonly port: number;
  readonly hasMetrics: boolean;
}

/** Where the server listens, what is there, who answers, and how to call it. */
export function servingText(settings: ServeSettings, { port, hasMetrics }: Began, router: Router, from: string, paint: Paint): string {
  const { host, tokens, adminToken } = settings;
  const own = `http://${inUrl(host)}:${port}`;
  const near = isWildcard(host) ? `http://${host === '::' ? '[::1]' : '127.0.0.1'}:${port}` : own;
  const rows = [
    ["OpenAI's API", `${near}/v1`],
    ["Anthropic's API", near],
    ["Ollama's API", near],
    ['its health', `${near}/readyz`],
    ['its metrics', hasMetrics ? `${near}/metrics` : 'off; prom-client, installed beside inferlane, turns them on'],
    ['the admin page', adminToken === undefined ? 'off; INFERLANE_ADMIN_TOKEN turns it on' : `${near}/admin`],
  ];
  const who =
    tokens.length === 0
      ? 'this machine alone, without a token'
      : `who has ${tokens.length === 1 ? 'the token' : `one of ${tokens.length} tokens`}`;
  return [
    `Listening on ${paint('bold', own)} for ${who}. Ctrl-C stops it.\n\n`,
    table(['THERE IS', 'AT'], rows, paint),
    `\n${providersText(router, from)}\n\n`,
    `${curlLine(near, tokens.length > 0)}\n`,
  ].join('');
}

function providersText(router: Router, from: string): string {
  const { providers } = router.snapshot();
  const names = listed(providers.map(({ provider, type }) => (provider === type ? provider : `${provider} (${type})`)));
  return plainLine(`${counted(providers.length, 'provider')} from ${from}: ${names}.`);
}

const question = JSON.stringify({ model: 'default', messages: [{ role: 'user', content: 'Hello!' }] });

/** To be pasted into a shell. The token stays in a variable, out of the list of processes and the shell's history. */
function curlLine(url: string, needsToken: boolean): string {
  return [
    `curl ${url}/v1/chat/completions`,
    ...(needsToken ? ['-H "authorization: Bearer $TOKEN"'] : []),
    `-H 'content-type: application/json' -d '${question}'`,
  ].join(' ');
}
