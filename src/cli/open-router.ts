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
  { asksHealth, provider, serves }: Needs,
  use: (router: Router, configuration: Configuration) => Promise<number>,
): Promise<number> {
  const { io } = cli;
  const configuration = await findConfiguration(cli.globals(), io);
  const { found, unasked } = configuration;
  const consent = serves === true ? 'ENABLE_PAID_API=true' : `--provider ${unasked?.provider ?? ''}`;
  if (found !== undefined && (unasked === undefined || provider === undefined)) await cli.note(foundInWords(found, unasked, consent));
  if (found === undefined && unasked !== undefined && asksHealth !== true && provider === undefined)
    await cli.warn(unaskedInWords(unasked, consent));
  for (const { path, message } of configuration.warnings) await cli.warn(`${path}: ${message}`);
  const { options } = configuration;
  const quiet: Partial<RouterOptions> = {
    ...(asksHealth !== true && { health: withoutBackground(options.health) }),
    checkModels: false,
    pollMs: false,
  };
  const router = createRouter({ ...options, ...(serves !== true && quiet), clock: io.clock });
  router.on('config:warning', ({ path, message }) => void cli.warn(`${path}: ${message}`));
  try {
    return await use(router, configuration);
  } finally {
    await router.close({ drainMs: 0 });
  }
}

function withoutBackground(health: RouterOptions['health']): RouterOptions['health'] {
  return health === 'per-request' || (typeof health === 'object' && health.mode === 'per-request') ? health : false;
}
