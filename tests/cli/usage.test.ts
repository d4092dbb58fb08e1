import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { exitCodeOf, exitCodes } from '../../src/cli/exit-codes.ts';
import { ConfigError, RouterError } from '../../src/index.ts';
import { run } from './cli-kit.ts';

const commands = ['check', 'models', 'chat', 'embed', 'explain', 'env', 'init', 'bench', 'serve'];

describe('the help', () => {
  test('is shown where nothing is asked for, with every command and every exit code', async () => {
    const { code, out, err } = await run([]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const command of commands) expect(out).toMatch(new RegExp(`\\n  ${command} `));
    for (const [code, what] of Object.entries(exitCodes)) expect(out).toMatch(new RegExp(`\\n  ${code} +${what.slice(0, 12)}`));
    expect(await run(['--help'])).toEqual({ code: 0, out, err: '' });
  });

  test.each(commands)('of %s has examples that use it', async (command) => {
    const { code, out } = await run([command, '--help']);
    expect(code).toBe(0);
    expect(out).toContain('\nExamples:\n');
    expect(out.slice(out.indexOf('Examples:'))).toContain(`inferlane ${command}`);
    expect(await run(['help', command])).toMatchObject({ code: 0, out });
  });

  test('fits into 120 columns, and into those of a terminal', async () => {
    for (const command of commands) {
      const { out } = await run([command, '--help']);
      expect(out.split('\n').filter((line) => line.length > 120)).toEqual([]);
    }
    const { out } = await run(['help'], { isTerminal: true, columns: 80 });
    expect(
      out
        .slice(0, out.indexOf('Where the configuration'))
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });

  test('offers no option for a secret', async () => {
    for (const command of commands) expect((await run([command, '--help'])).out).not.toMatch(/--[a-z-]*(?:key|secret|password|auth)/);
  });

  test('shows the version of the package', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, out: `${manifest.version}\n`, err: '' });
  });
});

describe('what is not understood', () => {
  test.each([
    ['an unknown command', ['chta'], "unknown command 'chta'\n(Did you mean chat?)"],
    ['an unknown option', ['chat', '--modle', 'x'], "unknown option '--modle'\n(Did you mean --model?)"],
    ['a word too many', ['check', 'x'], 'too many arguments'],
    ['an option without its value', ['chat', '--model'], 'argument missing'],
    ['no number', ['chat', '--max-tokens', 'many', 'Hi'], 'It is a whole number from 1 on.'],
    ['a number out of range', ['chat', '--temperature', '3', 'Hi'], 'It is a number from 0 to 2.'],
    ['no call at all', ['bench', '-n', '0'], 'It is a whole number from 1 on.'],
    ['an unknown view', ['check', '--view', 'nope'], 'Allowed choices are backend-status'],
    ['two ways to print', ['check', '--view', 'pair-check', '--json'], 'cannot be used with'],
    ['an unknown preset', ['check', '--preset', 'nope'], 'Allowed choices are multi-backend'],
  ])('%s ends with 2 and says where to look', async (_what, argv, message) => {
    const { code, out, err } = await run(argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toMatch(/^error: (?!error)/);
    expect(err).toContain('inferlane --help');
  });

  test.each([
    [['chat', '--api-key=sk-secretsecret', 'Hi']],
    [['--token=sk-secretsecret', 'check']],
    [['check', '--openai-api-key', 'sk-secretsecret']],
  ])('a key as an option is not repeated: %s', async (argv) => {
    const { code, err } = await run(argv);
    expect(code).toBe(2);
    expect(err).toContain('Keys are never options');
    expect(err).not.toContain('secretsecret');
  });
});

test.each([
  [new ConfigError([{ path: 'a', message: 'b' }]), 3],
  [new RouterError('invalid_request', 'a'), 2],
  [new RouterError('unavailable', 'a'), 1],
  [new TypeError('a'), 70],
])('%o ends with %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
  expect(Object.keys(exitCodes)).toContain(String(code));
});
