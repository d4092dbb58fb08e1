import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };

// What the build server may do. A workflow runs with the rights of the project, so each of these rules is one that a known theft broke.

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  /** Of a whole workflow. */
  readonly uses?: string;
  readonly permissions?: unknown;
  readonly 'timeout-minutes'?: number;
  readonly environment?: string;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly name: string;
  readonly text: string;
  readonly on: unknown;
  readonly permissions?: unknown;
  readonly defaults?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

type Rule = (workflow: Workflow) => string[];

const workflow = (name: string, text: string): Workflow => ({ ...(parse(text) as Omit<Workflow, 'name' | 'text'>), name, text });

function stepsOf({ jobs }: Workflow): readonly (Step & { readonly job: string })[] {
  return Object.entries(jobs).flatMap(([job, { steps = [] }]) => steps.map((step) => ({ ...step, job })));
}

function entriesOf(permissions: unknown): [string, unknown][] {
  return typeof permissions === 'object' && permissions !== null ? Object.entries(permissions) : [['all', permissions]];
}

const takesNothingAtTheTop: Rule = ({ permissions }) => (JSON.stringify(permissions) === '{}' ? [] : ['permissions at the top are not {}']);

const asksForLittle: Rule = ({ name, jobs }) =>
  Object.entries(jobs).flatMap(([job, { permissions }]) =>
    entriesOf(permissions)
      .filter(([scope, right]) => `${scope}: ${right}` !== 'contents: read')
      .filter(([scope, right]) => `${name} ${job} ${scope}: ${right}` !== 'release.yml publish id-token: write')
      .map(([scope, right]) => `${job} has ${scope}: ${right}`),
  );

/** These run with the rights of the repository on what strangers sent. */
const isNoDoorForStrangers: Rule = ({ on }) => {
  const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on as object);
  return events.filter((event) => !['push', 'pull_request'].includes(String(event))).map((event) => `runs on ${event}`);
};

/** Read in the text, because the version stands in a comment. */
const pinsActions: Rule = (file) => {
  const pinned = [...file.text.matchAll(/^ +- uses: ([\w.-]+\/[\w.-]+@[0-9a-f]{40}) # v\d+\.\d+\.\d+$/gm)].map(([, action]) => action);
  const used = [...Object.values(file.jobs), ...stepsOf(file)].flatMap(({ uses = [] }) => uses);
  return used.filter((action) => !pinned.includes(action)).map((action) => `uses ${action}`);
};

/** An expression is pasted into the script before the shell reads it; a variable is not. */
const pastesNothingIntoScripts: Rule = (file) =>
  stepsOf(file).flatMap(({ job, run = '' }) => (run.includes('${{') ? [`${job} pastes into: ${run}`] : []));

const keepsNoCredentials: Rule = (file) =>
  stepsOf(file)
    .filter((step) => step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false)
    .map(({ job }) => `${job} keeps the credentials of its checkout`);

const usesOurNodeWithoutCache: Rule = (file) =>
  stepsOf(file)
    .filter(({ uses }) => uses?.startsWith('actions/setup-node@'))
    .filter(({ with: given = {} }) => {
      return given['node-version'] !== manifest.devDependencies.node || given['package-manager-cache'] !== false || 'cache' in given;
    })
    .map(({ job }) => `${job} takes another Node, or a cache`);

const restoresNoCache: Rule = (file) =>
  stepsOf(file).flatMap(({ job, uses = '' }) => (uses.startsWith('actions/cache') ? [`${job} restores a cache`] : []));

const knowsNoSecret: Rule = ({ text }) => (/\bsecrets\b|NODE_AUTH_TOKEN|NPM_TOKEN/.test(text) ? ['names a secret'] : []);

const ends: Rule = ({ jobs }) =>
  Object.entries(jobs).flatMap(([job, each]) => (each['timeout-minutes'] === undefined ? [`${job} may run for hours`] : []));

const stopsAtTheFirstFailure: Rule = ({ defaults }) =>
  JSON.stringify(defaults) === '{"run":{"shell":"bash"}}' ? [] : ['a pipe of its scripts may fail unseen'];

const rules: Readonly<Record<string, Rule>> = {
  'takes no permission at the top': takesNothingAtTheTop,
  'gives each job reading at most, and the publisher its identity': asksForLittle,
  'runs on pushes and pull requests only': isNoDoorForStrangers,
  'pins each action to a commit and says which version that is': pinsActions,
  'pastes no expression into a script': pastesNothingIntoScripts,
  'leaves no credentials in the checkout': keepsNoCredentials,
  'takes the Node of package.json, without a cache': usesOurNodeWithoutCache,
  'restores no cache': restoresNoCache,
  'knows no secret': knowsNoSecret,
  'bounds each job': ends,
  'runs scripts in a shell that tells every failure': stopsAtTheFirstFailure,
};

const folder = new URL('../../.github/workflows/', import.meta.url);
const files = readdirSync(folder).map((name) => workflow(name, readFileSync(new URL(name, folder), 'utf8')));
const fileOf = (name: string): Workflow => files.find((file) => file.name === name) ?? workflow(name, 'jobs: {}');

describe('the workflows', () => {
  test('are these two', () => {
    expect(files.map(({ name }) => name)).toEqual(['ci.yml', 'release.yml']);
  });

  for (const file of files) test.each(Object.entries(rules))(`${file.name} %s`, (_name, rule) => expect(rule(file)).toEqual([]));

  test('pin an action to the same commit everywhere', () => {
    const pins = new Set(files.flatMap(stepsOf).flatMap(({ uses }) => uses ?? []));
    const actions = [...pins].map((pin) => pin.split('@')[0]);
    expect(actions.length).toBeGreaterThan(0);
    expect(new Set(actions).size).toBe(actions.length);
  });

  test('test what .ci/run tests, in the same way', () => {
    for (const name of ['ci.yml', 'release.yml']) expect(stepsOf(fileOf(name)).filter(({ run }) => run === '.ci/run')).toHaveLength(1);
  });
});

describe('a release', () => {
  const release = fileOf('release.yml');
  const runsOf = (name: string): string[] => (release.jobs[name]?.steps ?? []).flatMap(({ run = [] }) => run);

  test('is made of a tag alone', () => {
    expect(release.on).toEqual({ push: { tags: ['v*'] } });
  });

  test('is published with its provenance, by a job that runs nothing of ours and that a person lets go', () => {
    expect(release.jobs['publish']).toMatchObject({ environment: 'npm', needs: ['test', 'build'] });
    expect(runsOf('publish')).toEqual([
      expect.stringContaining('"$INTEGRITY"'),
      'npm publish ./release/*.tgz --provenance --access public',
    ]);
    const actions = release.jobs['publish']?.steps?.flatMap(({ uses = [] }) => uses).map((each) => each.split('@')[0]);
    expect(actions).toEqual(['actions/download-artifact', 'actions/setup-node']);
  });

  test('is asked whether it may be, built twice, and built again when it is out', () => {
    expect(runsOf('build')).toContain('node scripts/release-ready.ts "$GITHUB_REF_NAME"');
    for (const job of ['build', 'verify']) expect(runsOf(job)).toContain('npm run check:reproducible -- release');
    expect(runsOf('verify').at(-1)).toContain('test "$built" = "$published"');
  });
});

const job = (lines: string): string => `jobs:\n  a:\n    ${lines.replaceAll('\n', '\n    ')}\n`;
const pin = 'a'.repeat(40);

test.each<[Rule, string]>([
  [takesNothingAtTheTop, 'jobs: {}'],
  [takesNothingAtTheTop, 'permissions: read-all\njobs: {}'],
  [takesNothingAtTheTop, 'permissions:\n  contents: write\njobs: {}'],
  [asksForLittle, job('steps: []')],
  [asksForLittle, job('permissions: write-all')],
  [asksForLittle, job('permissions:\n  contents: write')],
  [asksForLittle, job('permissions:\n  id-token: write')],
  [isNoDoorForStrangers, 'on: pull_request_target'],
  [isNoDoorForStrangers, 'on: [push, issue_comment]'],
  [isNoDoorForStrangers, 'on:\n  workflow_run:\n    workflows: [ci]'],
  [pinsActions, job('steps:\n  - uses: actions/checkout@v6')],
  [pinsActions, job(`steps:\n  - uses: actions/checkout@${pin}`)],
  [pinsActions, job(`steps:\n  - uses: actions/checkout@${pin.slice(1)} # v6.0.2`)],
  [pinsActions, job('steps:\n  - uses: ./.github/actions/build')],
  [pinsActions, job('steps:\n  - uses: docker://alpine:3')],
  [pinsActions, job('steps:\n  - { uses: actions/checkout@v6 }')],
  [pinsActions, job(`uses: other/place/.github/workflows/build.yml@${pin}`)],
  [pastesNothingIntoScripts, job('steps:\n  - run: echo ${{ github.event.pull_request.title }}')],
  [keepsNoCredentials, job(`steps:\n  - uses: actions/checkout@${pin} # v6.0.2`)],
  [usesOurNodeWithoutCache, job(`steps:\n  - uses: actions/setup-node@${pin} # v6.1.0`)],
  [restoresNoCache, job(`steps:\n  - uses: actions/cache/restore@${pin} # v4.0.0`)],
  [knowsNoSecret, job('env:\n  TOKEN: ${{ secrets.NPM_TOKEN }}')],
  [ends, job('steps: []')],
  [stopsAtTheFirstFailure, 'jobs: {}'],
])('%o reports a breach in %j', (rule, text) => {
  expect(rule(workflow('other.yml', text))).toHaveLength(1);
});
