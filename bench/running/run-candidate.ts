import { candidates } from '../candidates/index.ts';
import type { Places } from '../fake/server.ts';
import { scenarios } from '../scenarios/index.ts';
import { type Block, figuresAlone, measured, type Scenario, type Subject } from '../scenarios/scenario.ts';
import { type ProfileKind, profiled } from './profiling.ts';

// One candidate in a process of its own: node run-candidate.ts NAME PLACES

export interface Order {
  readonly run: string;
  /** What comes back is not counted. */
  readonly isWarmUp?: boolean;
  /** Looked at while it runs so many times; as many go before. */
  readonly profile?: { readonly kind: ProfileKind; readonly file: string; readonly blocks: number };
}
export type Reply = { readonly ready: Ready } | { readonly block: Block } | { readonly error: string };
export interface Ready {
  readonly packages: readonly string[];
  readonly given: string;
  /** Scenarios that it can do. */
  readonly can: readonly string[];
}

const [name = '', placesText = '{}'] = process.argv.slice(2);
const places = JSON.parse(placesText) as Places;
const reply = (message: Reply): void => void process.send?.(message);

async function openSubject(): Promise<Subject> {
  const make = candidates[name];
  if (make === undefined) throw new Error(`There is no candidate ${name}.`);
  const candidate = await make();
  return { candidate, client: candidate.open?.(places.good), places };
}

const subject = await openSubject();

async function obey({ run, isWarmUp, profile }: Order): Promise<Block> {
  const scenario = scenarios.find(({ id }) => id === run);
  if (scenario === undefined) throw new Error(`There is no scenario ${run}.`);
  if (isWarmUp) return warmUp(scenario);
  if (profile === undefined) return scenario.run(subject);
  const runAll = async (): Promise<void> => {
    for (let block = 0; block < profile.blocks; block++) await scenario.run(subject);
  };
  await runAll();
  await profiled(profile.kind, profile.file, runAll);
  return figuresAlone({});
}

/** With the CPU time of all of it, and not only of what a scenario counts. */
async function warmUp({ run, warmUp: more = run }: Scenario): Promise<Block> {
  let units = 0;
  const block = await measured(0, async () => void ({ units } = await more(subject)));
  return { ...block, units };
}

process.on('message', (order: Order) => {
  obey(order).then(
    (block) => reply({ block }),
    (error: unknown) => reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
const { packages, given, only } = subject.candidate;
const can = scenarios.filter(({ id, isFor }) => (only?.includes(id) ?? true) && isFor(subject)).map(({ id }) => id);
reply({ ready: { packages, given, can } });
