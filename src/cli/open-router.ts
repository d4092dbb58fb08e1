import { createRouter, type Router, type RouterOptions } from '../index.ts';
import type { Cli } from './cli.ts';
import { type Configuration, findConfiguration } from './configuration.ts';
import { foundInWords, unaskedInWords } from './unasked.ts';

interface Needs {
  /** It makes no call: it asks the providers how they are, within the limit that the configuration sets for that. */
  readonly asksHealth?: true;
  /** Whom its calls name. */
  readonly provider?: string | undefined;
}

/** A router for one command: it asks nobody on its own, says aloud what is odd, and is closed whatever happens. */
export async function withRouter(
  cli: Cli,
  { asksHealth, provider }: Needs,
  use: (router: Router, configuration: Configuration) => Promise<number>,
): Promise<number> {
  const { io } = cli;
  const configuration = await findConfiguration(cli.globals(), io);
  const { found, unasked } = configuration;
  if (found !== undefined && (unasked === undefined || provider === undefined)) await cli.note(foundInWords(found, unasked));
  if (found === undefined && unasked !== undefined && asksHealth !== true && provider === undefined)
    await cli.warn(unaskedInWords(unasked));
  for (const { path, message } of configuration.warnings) await cli.warn(`${path}: ${message}`);
  const { options } = configuration;
  const router = createRouter({
    ...options,
    ...(asksHealth !== true && { health: withoutBackground(options.health) }),
    checkModels: false,
    pollMs: false,
    clock: io.clock,
  });
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
