import type { ModelInventory, ServedModel } from '../index.ts';
import type { Cli } from './cli.ts';
import { bytes, counted } from './figures.ts';
import { withExamples } from './help-text.ts';
import { withRouter } from './open-router.ts';
import type { Paint } from './paint.ts';
import { plainLine, toJson } from './plain-text.ts';
import { table } from './table.ts';

const examples = [
  ['inferlane models', 'who serves what'],
  ['inferlane models llama', 'only models with "llama" in their names'],
  ["inferlane models --json | jq -r '.models[].id'", 'the names alone'],
] as const;

export function addModels(cli: Cli): void {
  const command = cli.program
    .command('models')
    .summary('which models there are, and who serves each')
    .description('Asks every provider for its models. The exit code is 1 if none gives a list.')
    .argument('[text]', 'only models with this in their names')
    .option('--json', 'the whole list, as `router.models()` gives it')
    .action(cli.does((text: string | undefined, { json }: { readonly json?: true }) => models(cli, text ?? '', json === true)));
  withExamples(command, examples);
}

function models(cli: Cli, text: string, isJson: boolean): Promise<number> {
  return withRouter(cli, { asksHealth: true }, async (router) => {
    const inventory = matching(await router.models({ signal: cli.io.signal }), text.toLowerCase());
    await cli.print(isJson ? toJson(inventory) : modelsText(inventory, cli.paint));
    return inventory.providers.some((provider) => provider.models !== undefined) ? 0 : 1;
  });
}

function matching({ providers, models: all }: ModelInventory, text: string): ModelInventory {
  const isMeant = (id: string): boolean => id.toLowerCase().includes(text);
  return {
    providers: providers.map((each) =>
      each.models === undefined ? each : { ...each, models: each.models.filter(({ id }) => isMeant(id)) },
    ),
    models: all.filter(({ id, servedBy }) => isMeant(id) || servedBy.some(({ model }) => isMeant(model))),
  };
}

function modelsText({ providers, models: all }: ModelInventory, paint: Paint): string {
  const known = new Map(
    providers.flatMap(({ provider, models: own = [] }) => own.map((model) => [`${provider} ${model.id}`, model] as const)),
  );
  const rows = all.map((model) => {
    const told = model.servedBy.flatMap((by) => known.get(`${by.provider} ${by.model}`) ?? []);
    const [billions] = told.flatMap(({ parametersBillions }) => parametersBillions ?? []);
    const [size] = told.flatMap(({ sizeBytes }) => sizeBytes ?? []);
    const [length] = told.flatMap(({ contextLength }) => contextLength ?? []);
    return [
      model.isAlias ? `${model.id} (alias)` : model.id,
      billions === undefined ? '' : `${billions} B`,
      size === undefined ? '' : bytes(size),
      length === undefined ? '' : `${length} tokens`,
      servedInWords(model),
    ];
  });
  const list = rows.length === 0 ? 'No model is listed.\n' : table(['MODEL', 'PARAMETERS', 'SIZE', 'CONTEXT', 'SERVED BY'], rows, paint);
  const silent = providers.filter((each) => each.models === undefined);
  const notes = silent.map(({ provider, error }) => `${plainLine(error?.message ?? `${provider}: keeps no list of models.`)}\n`);
  const count =
    rows.length === 0 ? '' : `\n${counted(rows.length, 'model')} at ${counted(providers.length - silent.length, 'provider')}.\n`;
  return [list, count, ...notes].join('');
}

/** A provider's own name for the model stands there where it is another one. */
function servedInWords({ id, isAlias, servedBy }: ServedModel): string {
  if (servedBy.length === 0) return isAlias ? 'nobody: no provider lists it' : '';
  return servedBy.map(({ provider, model }) => (model === id || model === `${id}:latest` ? provider : `${provider} (${model})`)).join(', ');
}
