import { Option } from 'commander';
import { type HealthSummary, type Router, serves } from '../index.ts';
import { type ViewName, views } from '../http/index.ts';
import type { Cli } from './cli.ts';
import { CommandFailure } from './exit-codes.ts';
import { healthTable } from './health-table.ts';
import { withExamples } from './help-text.ts';
import { withRouter } from './open-router.ts';
import { toJson } from './plain-text.ts';

interface CheckOptions {
  readonly json?: true;
  readonly view?: ViewName;
  readonly model?: string;
}

const examples = [
  ['inferlane check', 'a table; the exit code is 1 if no provider can serve'],
  ['inferlane check --json | jq .status', '"ok", "degraded" or "down"'],
  ['inferlane check --view pair-check', 'the same in the words of another system'],
] as const;

export function addCheck(cli: Cli): void {
  const command = cli.program
    .command('check')
    .summary('how the providers are')
    .description(
      'Asks every provider how it is. Nothing is generated, so nothing is paid for.\nThe exit code is 1 if no provider can serve; a stub counts only where there is nothing else.',
    )
    .option('--json', 'the whole report, as `router.health()` gives it')
    .addOption(new Option('--view <name>', 'the report as JSON of another system').choices(Object.keys(views)).conflicts('json'))
    .option('--model <id>', 'the model, for the view model-health')
    .action(
      cli.does((options: CheckOptions) => withRouter(cli, { asksHealth: true }, (router, { from }) => check(cli, router, options, from))),
    );
  withExamples(command, examples);
}

async function check(cli: Cli, router: Router, { json, view, model }: CheckOptions, from: string): Promise<number> {
  const { signal } = cli.io;
  const health = await router.health({ signal });
  if (view !== undefined) await cli.print(toJson(await viewed(router, health, view, model, signal)));
  else await cli.print(json === true ? toJson(health) : healthTable(health, from, cli.paint));
  return canServe(withoutUnpaid(health, router)) ? 0 : 1;
}

async function viewed(
  router: Router,
  health: HealthSummary,
  view: ViewName,
  model: string | undefined,
  signal: AbortSignal,
): Promise<object> {
  if (view === 'model-health' && model === undefined)
    throw new CommandFailure(2, 'The view model-health is of one model: name it with --model.');
  const made = views[view].toJson({ health, inventory: await router.models({ signal }) }, model);
  if (made === undefined)
    throw new CommandFailure(2, `There is no model "${model}" here.`, ['`inferlane models` shows which models there are.']);
  return made;
}

/** Without those that cost money which nothing allows to spend: they are well, and get no calls. */
function withoutUnpaid(health: HealthSummary, router: Router): HealthSummary {
  const { skipped } = router.explain({ messages: [{ role: 'user', content: 'Hello!' }] });
  const unpaid = new Set(skipped.flatMap(({ provider, reason }) => (/allowPaid/.test(reason) ? [provider] : [])));
  return { ...health, providers: health.providers.filter(({ provider }) => !unpaid.has(provider)) };
}

/** Whether a call would be answered, as far as asking for health can tell. */
function canServe({ providers }: HealthSummary): boolean {
  const real = providers.filter(({ type }) => type !== 'stub');
  return (real.length > 0 ? real : providers).some((provider) => serves(provider) === true);
}
