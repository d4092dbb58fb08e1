import manifest from '../../package.json' with { type: 'json' };
import config from '../../tsup.config.ts';

/** The names that the package is imported by, and the sources below `src/` that are built for them. */
export const entryPoints: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(manifest.exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return [];
    const name = path === '.' ? 'index' : path.slice(2);
    return [[path.replace('.', manifest.name), sourceOf(name)]];
  }),
);

function sourceOf(name: string): string {
  const { entry } = config as { entry?: Readonly<Record<string, string>> };
  const source = entry?.[name];
  if (source === undefined) throw new Error(`tsup.config.ts builds nothing for the entry point ${name}.`);
  return source.replace(/^src\//, '');
}
