import { InvalidArgumentError, Option } from 'commander';
import type { Router, RouterOptions } from '../index.ts';
import { createHandler, type Handler, type MetricsText, toNodeListener } from '../http/index.ts';
import type { Cli } from './cli.ts';
import { counted } from './figures.ts';
import { withExamples } from './help-text.ts';
import { Stop } from './io.ts';
import { withRouter } from './open-router.ts';
import { createServeLog, type LogFormat, logFormats, type ServeLog } from './serve-log.ts';
import { startServer } from './serve-server.ts';
import { mustBePort, namedByVariables, readPort, readSettings, type ServeSettings, usualPort } from './serve-settings.ts';
import { servingText } from './serve-text.ts';

interface ServeOptions {
  readonly port?: number;
  readonly host?: string;
  readonly drain: number;
  readonly log?: LogFormat;
}

const usualDrainS = 10;

const examples = [
  ['inferlane serve', "OpenAI's, Anthropic's and Ollama's APIs on this machine, for this machine"],
  ['INFERLANE_TOKEN_FILE=tokens.txt inferlane serve --host 0.0.0.0', 'for others as well, with a token of the file'],
  ['inferlane serve --port 0 --log json 2> access.jsonl', 'on a port that is free, with a log for programs'],
] as const;

export function addServe(cli: Cli): void {
  const command = cli.program
    .command('serve')
    .summary('a server in front of the providers')
    .description(
      [
        "Listens and answers in OpenAI's, Anthropic's and Ollama's API. Without tokens it answers this machine alone.",
        'INFERLANE_TOKENS holds tokens with commas between them, INFERLANE_TOKEN_FILE names a file with one on each line, and',
        'INFERLANE_ADMIN_TOKEN turns the admin page on; INFERLANE_HOSTS says by which names others reach the server, and',
        'ALLOWED_ORIGINS which web pages may call it.',
      ].join('\n'),
    )
    .option('--port <number>', `where it listens; 0 takes a port that is free (default: PORT, or ${usualPort})`, portFlag)
    .option('--host <address>', 'the address to listen on; 0.0.0.0 is all of the machine (default: HOST, or 127.0.0.1)')
    .option('--drain <seconds>', 'how long calls may go on when it is told to stop', secondsFlag, usualDrainS)
    .addOption(new Option('--log <format>', 'a line for each request (default: text on a terminal, else json)').choices(logFormats))
    .action(cli.goesOn((options: ServeOptions) => serve(cli, options)));
  withExamples(command, examples);
}

function portFlag(text: string): number {
  const port = readPort(text);
  if (port === undefined) throw new InvalidArgumentError(`It ${mustBePort}.`);
  return port;
}

const longestDrainS = 3_600;

function secondsFlag(text: string): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= longestDrainS)) throw new InvalidArgumentError(`It is a whole number of seconds from 0 to ${longestDrainS}.`);
  return seconds;
}

async function serve(cli: Cli, options: ServeOptions): Promise<number> {
  const { io } = cli;
  const settings = await readSettings(options, io);
  const log = createServeLog(cli, options.log ?? (io.stderr.isTerminal ? 'text' : 'json'));
  return withRouter(log.cli, { serves: true }, async (router, { options: made, from }) => {
    const metrics = await metricsOf(router);
    const handler = handlerOf(router, { options: made, settings, log, cli, metrics });
    const serving = await startServer(
      toNodeListener(handler),
      settings,
      io.clock,
      (code) => void log.cli.warn(`a connection was lost: ${code}.`),
    );
    for (const warning of settings.warnings) await log.cli.warn(warning);
    await cli.print(servingText(settings, { port: serving.port, hasMetrics: metrics !== undefined }, router, from, cli.paint));
    await aborted(io.signal);
    if (serving.open > 0)
      await log.cli.note(`Stopping: ${counted(serving.open, 'answer')} may go on for ${options.drain} s. A second signal ends at once.`);
    const isClean = await serving.stop(router, options.drain * 1_000);
    return exitCode(io.signal, isClean);
  });
}

/** Undefined where prom-client, an optional peer, is not installed. */
async function metricsOf(router: Router): Promise<MetricsText | undefined> {
  try {
    const { collectMetrics } = await import('../telemetry/prometheus.ts');
    return collectMetrics(router);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes('prom-client')) return undefined;
    throw error;
  }
}

interface Behind {
  readonly options: RouterOptions;
  readonly settings: ServeSettings;
  readonly log: ServeLog;
  readonly cli: Cli;
  readonly metrics: MetricsText | undefined;
}

function handlerOf(router: Router, { options, settings, log, cli: { io }, metrics }: Behind): Handler {
  const { tokens, hosts, origins, adminToken: token } = settings;
  const admin = token === undefined ? undefined : { token, options, onChange: log.onChange };
  try {
    return createHandler(router, { tokens, hosts, origins, admin, metrics, onAccess: log.onAccess, clock: io.clock });
  } catch (error) {
    throw namedByVariables(error, io.env);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** To be stopped is how a server ends well. It is told by a signal; what else ends it has a code of its own. */
function exitCode({ reason }: AbortSignal, isClean: boolean): number {
  if (!(reason instanceof Stop)) return 70;
  return isClean && reason.message.startsWith('SIG') ? 0 : reason.exitCode;
}
