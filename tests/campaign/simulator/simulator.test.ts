import { proves } from '../_kit/proves.ts';
import { job } from './job.ts';

proves(job, 120_000);
