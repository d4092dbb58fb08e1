import { describeWithRedis } from '../../_kit/redis-server.ts';
import { proves } from '../_kit/proves.ts';
import { job } from './job.ts';

describeWithRedis('a fleet at a real store', () => proves(job, 300_000));
