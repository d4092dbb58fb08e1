import { equal } from 'node:assert/strict';
import { print } from '../print/lines.ts';
import { paint } from '../print/paint.ts';
import type { Tally } from '../tally.ts';

export function sumUp({ calls, attempts, failovers, pins, errors, asked }: Tally): void {
  print();
  print(
    paint('bold', `${calls} calls, ${attempts} attempts, ${failovers} failovers, ${pins} pin, ${asked['cloud'] ?? 0} paid calls; `) +
      paint('green', `${errors} errors seen by the caller.`),
  );
  print('Read on in README.md; this script is examples/demo/main.ts.');
  equal(errors, 0, 'no call should have failed');
}
