import { fleetRun } from './fleet.ts';
const t = performance.now(); const policy = Number(process.argv[2]);
const r = await fleetRun({ policy, seed: 1, count: 8000 });
console.log(policy, ((performance.now()-t)/8000*1000).toFixed(0), 'us per request', r.row.slice(0,5).join(' '));
