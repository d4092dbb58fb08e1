import { totalmem } from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { freeMemory, groupFolders, withCache } from '../../src/adapters/cpu-memory.ts';

afterEach(() => vi.restoreAllMocks());

describe('free memory', () => {
  test('is some, and less than the machine has', async () => {
    const free = (await freeMemory()) ?? NaN;
    expect(free).toBeGreaterThan(10e6);
    expect(free).toBeLessThan(totalmem());
  });

  test('is at least what is left of a limit', async () => {
    vi.spyOn(process, 'availableMemory').mockReturnValue(1_000);
    expect(await freeMemory()).toBeGreaterThanOrEqual(1_000);
  });

  test('is not known on macOS', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;
    Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' });
    expect(await freeMemory().finally(() => Object.defineProperty(process, 'platform', platform))).toBeUndefined();
  });

  test('is not known where the runtime does not tell', async () => {
    vi.spyOn(process, 'availableMemory').mockReturnValue(undefined as never);
    expect(await freeMemory()).toBeUndefined();
  });
});

describe('what is left of a limit', () => {
  const second = 'anon 700\nfile 320\ninactive_file 200\nactive_file 100\n';
  const first = 'cache 40\ninactive_file 20\nactive_file 10\ntotal_inactive_file 200\ntotal_active_file 100\n';
  const machine = 'MemTotal:  9 kB\nMemFree:  1 kB\nMemAvailable:          2 kB\n';

  test.each([
    ['version 2', second],
    ['version 1, with the groups inside', first],
  ])('counts the cached files as free: %s', (_version, statistics) => {
    expect(withCache(1_000, statistics, machine)).toBe(1_300);
  });

  test('is no more than the machine has', () => {
    expect(withCache(2_000, second, machine)).toBe(2_048);
  });

  test('is as it was told where the system tells no more', () => {
    expect(withCache(1_000, '', machine)).toBe(1_000);
    expect(withCache(1_000, second, 'MemTotal: 9 kB\n')).toBe(1_000);
  });
});

test.each([
  ['0::/app.slice/job\n', '/sys/fs/cgroup/app.slice/job'],
  ['4:memory:/docker/1\n3:cpuset:/\n', '/sys/fs/cgroup/memory/docker/1'],
  ['4:cpu,memory:/docker/1\n0::/other\n', '/sys/fs/cgroup/memory/docker/1'],
  ['0::/\n', '/sys/fs/cgroup/'],
  ['', '/sys/fs/cgroup/'],
])('the control group %j lies in %s', (groups, folder) => {
  expect(groupFolders(groups)).toContain(folder);
});
