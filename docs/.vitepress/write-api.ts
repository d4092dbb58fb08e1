// Writes docs/reference/api/ from the sources: a page for each name that an entry point of the package exports. No page of it is kept in
// the repository.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import manifest from '../../package.json' with { type: 'json' };
import config from '../../tsup.config.ts';

const root = new URL('../../', import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(name, root));
const out = pathOf('docs/reference/api');

/** What is built for an entry point, and the name that it is imported by. */
interface EntryPoint {
  readonly name: string;
  readonly source: string;
}

const entryPoints = Object.entries(manifest.exports).flatMap(([path, target]): readonly EntryPoint[] => {
  if (typeof target === 'string') return [];
  const { entry } = config as { entry?: Readonly<Record<string, string>> };
  const source = entry?.[path === '.' ? 'index' : path.slice(2)];
  if (source === undefined) throw new Error(`tsup.config.ts builds nothing for the entry point ${path}.`);
  return [{ name: path.replace('.', manifest.name), source: pathOf(source) }];
});

const options: TypeDocOptions & Partial<PluginOptions> = {
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: entryPoints.map(({ source }) => source),
  outputs: [{ name: 'markdown', path: out }],
  tsconfig: pathOf('docs/.vitepress/tsconfig.api.json'),
  readme: 'none',
  router: 'member',
  entryFileName: 'index',
  pageTitleTemplates: { module: '{name}' },
  preservedTypeAnnotationTags: ['@throws'],
  // `tsc` has checked them.
  skipErrorChecking: true,
  disableSources: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  githubPages: false,
  excludeExternals: true,
};

rmSync(out, { recursive: true, force: true });
const app = await Application.bootstrapWithPlugins(options);
const project = await app.convert();
if (project === undefined) throw new Error('The sources could not be read.');
// A module has the name that people import, and `@throws {ConfigError}` says of what: typedoc leaves both out.
for (const module of project.children ?? []) {
  module.name =
    entryPoints.find(({ source }) => source.endsWith(`/src/${module.name}.ts`) || source.endsWith(`/src/${module.name}/index.ts`))?.name ??
    module.name;
}
for (const { comment } of Object.values(project.reflections)) {
  for (const { typeAnnotation = '', content } of comment?.blockTags ?? []) {
    if (typeAnnotation !== '') content.unshift({ kind: 'code', text: `\`${typeAnnotation.slice(1, -1)}\`` }, { kind: 'text', text: ' ' });
  }
}
await app.generateOutputs(project);
if (app.logger.hasErrors()) process.exitCode = 1;
