import type { HealthSummary, ProviderHealth } from '../index.ts';
import { counted, duration } from './figures.ts';
import type { Paint, Style } from './paint.ts';
import { plainLine } from './plain-text.ts';
import { type Cell, table } from './table.ts';

const head = ['PROVIDER', 'TYPE', 'DEVICE', 'COST', 'STATUS', 'ANSWERED', 'MODELS', 'VERSION', 'ADDRESS'];

const styles: Readonly<Record<ProviderHealth['status'], Style>> = {
  ok: 'green',
  warming: 'yellow',
  saturated: 'yellow',
  limited: 'yellow',
  probing: 'yellow',
  unknown: 'dim',
  misconfigured: 'red',
  'out-of-memory': 'red',
  open: 'red',
  down: 'red',
};

/** How the providers are, in the order in which calls try them, and below it what is wrong and what to know. */
export function healthTable({ providers }: HealthSummary, from: string, paint: Paint): string {
  const well = providers.filter(({ status }) => status === 'ok' || status === 'warming').length;
  const wellness =
    well === providers.length
      ? well === 1
        ? 'it is well'
        : 'all are well'
      : `${well === 0 ? 'none' : well} ${well < 2 ? 'is' : 'are'} well`;
  const title = `${counted(providers.length, 'provider')} from ${from}: ${wellness}. Calls try them in this order:`;
  const notes = providers.flatMap(notesOf).map((note) => `${plainLine(note)}\n`);
  return [`${title}\n\n`, table(head, providers.map(rowOf), paint), ...(notes.length > 0 ? ['\n', ...notes] : [])].join('');
}

function rowOf({ provider, type, device, cost, status, latencyMs, models, version, url }: ProviderHealth): readonly Cell[] {
  return [
    provider,
    type,
    device,
    cost,
    { text: status, style: styles[status] },
    latencyMs === undefined || status === 'down' ? '' : `in ${duration(latencyMs)}`,
    models === undefined ? '' : String(models.length),
    version ?? '',
    url ?? 'in this process',
  ];
}

function notesOf({ provider, error, models, defaultModel, pins }: ProviderHealth): readonly string[] {
  const own = `${provider}: `;
  const isMissing =
    defaultModel !== undefined && models !== undefined && models.length > 0 && !models.some(({ id }) => isSame(id, defaultModel));
  return [
    ...(error === undefined ? [] : [error.message.startsWith(own) ? error.message : `${own}${error.message}`]),
    ...(isMissing ? [`${own}it does not list ${defaultModel}, its default model; \`inferlane models\` shows what it has.`] : []),
    ...pins.map(({ model }) => `${own}${model} ran out of memory there and is kept away.`),
  ];
}

function isSame(one: string, other: string): boolean {
  return bareName(one) === bareName(other);
}

/** `:latest` goes without saying. */
function bareName(name: string): string {
  return name.toLowerCase().replace(/:latest$/, '');
}
