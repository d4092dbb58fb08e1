import { describe, expect, test } from 'vitest';
import { toLoadReport, valuesOf } from '../../src/lib/load-metrics.ts';

describe('gauges', () => {
  test.each<[string, string, number[]]>([
    ['one without labels', 'queue 3\n', [3]],
    ['one for each set of labels', 'queue{engine="0"} 3\nqueue{engine="1"} 4.5e0\n', [3, 4.5]],
    ['labels that hold a brace and a blank', 'queue{model="a {b} 7"} 3\n', [3]],
    ['a time behind the value', 'queue 3 1795226146000\r\n', [3]],
    ['no gauge whose name only begins alike', 'queue_size 3\nqueue_total{a="b"} 4\n', []],
    ['no comment', '# TYPE queue gauge\n# HELP queue 3\n', []],
    ['no value that is no number', 'queue NaN\nqueue +Inf\nqueue\n', []],
  ])('%s', (_what, metrics, expected) => {
    expect(valuesOf(metrics, 'queue')).toEqual(expected);
  });
});

describe('toLoadReport', () => {
  const names = { running: ['run'], waiting: ['wait', 'old_wait'], cacheUse: ['cache'] };

  test('adds up what runs and waits, and tells the fullest cache', () => {
    const metrics = 'run{e="0"} 1\nrun{e="1"} 2\nwait 4\ncache{e="0"} 0.25\ncache{e="1"} 0.75\n';
    expect(toLoadReport(metrics, names)).toEqual({ running: 3, waiting: 4, cacheUse: 0.75 });
  });

  test('finds an older name', () => {
    expect(toLoadReport('old_wait 4\n', names)).toEqual({ waiting: 4 });
  });

  test('leaves out what is not there', () => {
    expect(toLoadReport('', { running: ['run'], waiting: ['wait'] })).toEqual({});
  });
});
