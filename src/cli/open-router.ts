import { createRouter, type Router, type RouterOptions } from '../index.ts';
import type { Cli } from './cli.ts';
import { type Configuration, findConfiguration } from './configuration.ts';
import { foundInWords, unaskedInWords } from './unasked.ts';

interface Needs {
  /** It makes no call: it asks the providers how they are, within the limit that the configuration sets for that. */
  readonly asksHealth?: true;
  /** Whom its calls name. */
  readonly provider?: string | undefined;
  /** It goes on until it is told to stop, so the router looks after its providers as the configuration says. */
  readonly serves?: true;
}

/** A router for one command: it says aloud what is odd, asks nobody on its own unless it serves, and is closed whatever happens. */
export async function withRouter(
  cli: Cli,
  needs: Needs,
  use: (router: Router, configuration: Configuration) => Promise<number>,
): Promise<number> {
  const configuration = await findConfiguration(cli.globals(), cli.io);
  await tellOddities(cli, configuration, needs);
  const router = createRouter({ ...optionsFor(needs, configuration.options), clock: cli.io.clock });
  router.on('config:warning', ({ path, message }) => void cli.warn(`${path}: ${message}`));
  try {
    return await use(router, configuration);
  } finally {
    await router.close({ drainMs: 0 });
  }
}

async function tellOddities(cli: Cli, { found, unasked, warnings }: Configuration, { asksHealth, provider, serves }: Needs): Promise<void> {
  const consent = serves === true ? 'ENABLE_PAID_API=true' : `--provider ${unasked?.provider ?? ''}`;
  if (found !== undefined && (unasked === undefined || provider === undefined)) await cli.note(foundInWords(found, unasked, consent));
  if (found === undefined && unasked !== undefined && asksHealth !== true && provider === undefined)
    await cli.warn(unaskedInWords(unasked, consent));
  for (const { path, message } of warnings) await cli.warn(`${path}: ${message}`);
}

function optionsFor({ asksHealth, serves }: Needs, options: RouterOptions): RouterOptions {
  if (serves === true) return options;
  const { health } = options;
  const isPerRequest = health === 'per-request' || (typeof health === 'object' && health.mode === 'per-request');
  return { ...options, ...(asksHealth !== true && !isPerRequest && { health: false }), checkModels: false, pollMs: false };
}
