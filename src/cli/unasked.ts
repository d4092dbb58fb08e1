import { type EnvReading, providerTypes } from '../index.ts';
import { listed } from './figures.ts';
import { fetchesModel, isBare, type LocalServer } from './local-servers.ts';

/** A cloud that would be paid though nobody said so: its key is all that is configured. */
export interface Unasked {
  readonly provider: string;
  /** The variable of its key. */
  readonly variable: string;
}

/**
 * A key may be there for other programs, and is no word about money. A switch or a list is one, and an address names who is meant; a preset
 * has somebody free, or names its first. Of several keys the environment takes the first.
 */
export function unaskedOf({ options, report }: EnvReading): Unasked | undefined {
  if (options === undefined || options.allowPaid !== undefined) return undefined;
  const [first, ...others] = Object.entries(options.providers);
  if (first === undefined || others.length > 0) return undefined;
  const [provider, { type, url }] = first;
  if (type === 'custom' || providerTypes[type].cost !== 'paid' || url !== undefined) return undefined;
  const key = report.find(({ secret, sets }) => secret === true && sets.length > 0);
  return key && { provider, variable: key.variable };
}

/** What was found, on one line. `consent`: what says that paying is meant. */
export function foundInWords(found: readonly LocalServer[], unasked: Unasked | undefined, consent: string): string {
  const names = found.flatMap((server) =>
    server.found === undefined
      ? []
      : [`${providerTypes[server.found.type].title} at ${new URL(server.url).host}${isBare(server) ? ` (${fetchesModel})` : ''}`],
  );
  const use = `using what answers on this machine: ${listed(names)}.`;
  return unasked === undefined
    ? `Nothing is configured; ${use} \`inferlane init\` writes this to a file.`
    : `Nothing is configured but ${unasked.variable}; ${use} Calls to ${unasked.provider} cost money, and are made only with ${consent}.`;
}

/** Who will be paid and why, on one line. `consent`: what says that paying is meant. */
export function unaskedInWords({ provider, variable }: Unasked, consent: string): string {
  return [
    `nothing is configured but ${variable}, and no server answers on the usual ports of this machine, so ${provider} will be paid.`,
    `To use a server of your own, start it or set OLLAMA_BASE_URL; ${consent} says that paying is meant.`,
  ].join(' ');
}
