import { setTimeout as sleep } from 'node:timers/promises';
import { redisStore } from '../../src/state/redis.ts';
import { describeWithRedis } from '../_kit/redis-server.ts';
import { storeConformance } from './store-conformance.ts';

describeWithRedis('a store in Redis', (redis) => {
  storeConformance({
    async open() {
      await redis().reset();
      return redisStore({ url: redis().url, prefix: 'conformance' });
    },
    pass: (ms) => sleep(ms),
  });
});
