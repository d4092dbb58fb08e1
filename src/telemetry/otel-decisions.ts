import type { Attributes } from '@opentelemetry/api';
import type { EventName, Router, RouterEvents } from '../index.ts';
import { errorType } from './otel-attributes.ts';
import type { TracedCall, Tracing } from './otel-call.ts';

/** Decisions that stand in the span of their call as `inferlane.…` events. */
const decisions = [
  'queue:enter',
  'queue:leave',
  'failover',
  'retry',
  'hedge',
  'stream:interrupted',
  'stream:reset',
  'stream:resumed',
  'model:truncated',
] as const satisfies readonly EventName[];

export function watchDecisions(router: Router, tracing: Tracing): void {
  const callsOf = ({ requestId }: { readonly requestId: string }): readonly TracedCall[] => tracing.calls.get(requestId) ?? [];
  for (const name of decisions) {
    router.on(name, (told: RouterEvents[typeof name]) => {
      const [call] = callsOf(told);
      call?.span.addEvent(`inferlane.${name.replace(':', '.')}`, attributesOf(told));
    });
  }
  router.on('request:start', (told) => {
    for (const { span } of callsOf(told)) span.setAttribute('inferlane.intent', told.intent);
  });
  router.on('request:end', (told) => {
    const [call] = callsOf(told);
    if (told.costUsd !== undefined) call?.span.setAttribute('inferlane.cost_usd', told.costUsd);
  });
  router.on('failover', (told) => {
    const { from, to, reason } = told;
    if (callsOf(told).length === 0) return;
    tracing.instruments.failover({ 'inferlane.from': from, 'inferlane.to': to, 'error.type': reason });
  });
}

/** Their payloads hold no content by promise; an error is named by its class. */
function attributesOf(told: { readonly requestId: string }): Attributes {
  const attributes: Attributes = {};
  for (const [key, value] of Object.entries(told) as [string, unknown][]) {
    if (key === 'requestId' || value === undefined) continue;
    if (key === 'error') attributes['error.type'] = errorType(value);
    else attributes[`inferlane.${snake(key)}`] = value as string | number | string[];
  }
  return attributes;
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
