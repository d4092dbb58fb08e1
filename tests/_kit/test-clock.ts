// The clock of the public test kit, which the project's own tests stand on as well.
export { testClock, type TestClock } from '../../src/testing/test-clock.ts';
