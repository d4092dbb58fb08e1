export { eventNames } from '../../src/core/events.ts';
export { type EventRecord, type RecordedEvent as Recorded, recordEvents as record } from '../../src/testing/record-events.ts';
