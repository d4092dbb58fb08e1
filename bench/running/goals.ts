/** What the median of a run is held against. */
export interface Goal {
  readonly about: string;
  readonly scenario: string;
  readonly metric: string;
  readonly most: number;
  readonly unit: string;
  readonly digits: number;
}

export const goals: readonly Goal[] = [
  { about: 'a provider whose circuit is open, per chat', scenario: 'circuit', metric: 'added', most: 10, unit: 'µs CPU', digits: 1 },
  { about: 'a server that hangs, beyond its limit', scenario: 'hang', metric: 'added', most: 3, unit: 'ms', digits: 2 },
  { about: 'three providers instead of one, per chat', scenario: 'three', metric: 'added', most: 25, unit: 'µs CPU', digits: 1 },
  { about: 'three providers instead of one, per chat', scenario: 'three', metric: 'share', most: 5, unit: '%', digits: 1 },
];
