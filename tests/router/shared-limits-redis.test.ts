import { expect, test, vi } from 'vitest';
import { isRouterError } from '../../src/core/errors.ts';
import { priceTable } from '../../src/config/prices.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { redisStore } from '../../src/state/redis.ts';
import { fake } from '../_kit/fake-adapter.ts';
import { hello } from '../_kit/fake-router.ts';
import { describeWithRedis } from '../_kit/redis-server.ts';

const many = 6;

describeWithRedis('limits and budgets over a real store', (redis) => {
  /** Routers as of several processes, each with a connection of its own. */
  async function crowd(
    options: (adapter: ReturnType<typeof fake>['adapter']) => Partial<RouterOptions>,
  ): Promise<{ routers: Router[]; calls: () => number }> {
    const server = fake('hi');
    // Those of the last test are counted for ten seconds.
    const prefix = `limits-${crypto.randomUUID()}`;
    const routers = Array.from({ length: many }, () =>
      createRouter({
        health: false,
        checkModels: false,
        pollMs: false,
        store: redisStore({ url: redis().url, prefix }),
        providers: { cloud: { type: 'custom', adapter: server.adapter, locality: 'lan' } },
        ...options(server.adapter),
      }),
    );
    for (const router of routers) {
      while (router.snapshot().store?.members !== many) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { routers, calls: () => server.calls.length };
  }

  test(
    'a provider is asked no more often than its limit says by all of them together, and nearly as often',
    { timeout: 60_000 },
    async () => {
      const rpm = 600;
      const { routers, calls } = await crowd((adapter) => ({
        providers: { cloud: { type: 'custom', adapter, locality: 'lan', limits: { rpm } } },
      }));
      const startMs = performance.now();
      let refused = 0;
      const ask = async (router: Router): Promise<void> => {
        while (performance.now() - startMs < 6_000) {
          try {
            await router.chat(hello, { deadlineMs: 60 });
          } catch (error) {
            if (!isRouterError(error)) throw error;
            refused += 1;
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
        }
      };
      await Promise.all(routers.map(ask));
      const allowed = rpm + (rpm / 60_000) * (performance.now() - startMs);
      await Promise.all(routers.map((router) => router.close()));
      expect(calls()).toBeLessThanOrEqual(Math.ceil(allowed));
      expect(calls()).toBeGreaterThan(allowed * 0.8);
      expect(refused).toBeGreaterThan(0);
    },
  );

  test('what all of them spend ends at the cap, each of them knows the sum, and what is free goes on', { timeout: 60_000 }, async () => {
    const dayUsd = 1;
    const free = fake('hi for free');
    const { routers } = await crowd((adapter) => ({
      providers: {
        cloud: { type: 'custom', adapter, locality: 'lan', cost: 'paid' },
        free: { type: 'custom', adapter: free.adapter, locality: 'lan', priority: 1 },
      },
      allowPaid: true,
      prices: priceTable({ date: '2026-11-22', models: { m: { inputPerMillionUsd: 500, outputPerMillionUsd: 500 } } }),
      budgets: { dayUsd },
    }));
    const short = { ...hello, max_tokens: 10 };
    const until = performance.now() + 5_000;
    const ask = async (router: Router): Promise<void> => {
      while (performance.now() < until) {
        await router.chat(short);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await Promise.all(routers.map(ask));
    const total = (): number => routers.flatMap((router) => router.spending().rows).reduce((sum, { costUsd }) => sum + costUsd, 0);
    // Each hears of the others within a second of its next call.
    await vi.waitFor(
      async () => {
        for (const router of routers) await router.chat(short);
        const told = routers.map((router) => router.spending().budgets[0]?.spentUsd ?? 0);
        for (const spentUsd of told) expect(spentUsd).toBeCloseTo(told[0] ?? 0, 6);
        // On a busy machine an answer of the store may come too late, and its sum is told again: never too little.
        expect(told[0]).toBeGreaterThan(total() - 1e-6);
      },
      { timeout: 20_000, interval: 200 },
    );
    const [one] = routers.flatMap((router) => router.spending().rows.filter(({ provider }) => provider === 'cloud'));
    const perCall = (one?.costUsd ?? 0) / (one?.attempts ?? 1);
    expect(perCall).toBeGreaterThan(0);
    expect(total()).toBeLessThanOrEqual(dayUsd + many * perCall);
    expect(total()).toBeGreaterThan(0.8 * dayUsd);
    expect(free.calls.length).toBeGreaterThan(100);
    await Promise.all(routers.map((router) => router.close()));
  });
});
