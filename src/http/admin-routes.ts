import { answerCloseCircuit, answerTestFailover, answerTestProvider, answerUnpin } from './admin-actions.ts';
import { answerEvents } from './admin-events.ts';
import { adminPageRoutes } from './admin-page.ts';
import { answerPlayground } from './admin-playground.ts';
import { answerState } from './admin-state.ts';
import { answerSettings } from './admin-update.ts';
import type { Route } from './route.ts';

const look = { method: 'GET', access: 'admin', body: 'none', errors: 'plain', isLimited: false } as const;
const write = { ...look, method: 'POST', body: 'json' } as const;
/** What asks models. */
const call = { ...write, isLimited: true } as const;

/** The admin page and what it asks for. */
export const adminRoutes: readonly Route[] = Object.freeze([
  ...adminPageRoutes,
  { ...look, path: '/admin/api/state', answer: answerState },
  { ...look, path: '/admin/api/events', answer: answerEvents },
  { ...write, body: 'none', path: '/admin/api/settings', answer: answerSettings },
  { ...write, path: '/admin/api/unpin', answer: answerUnpin },
  { ...write, path: '/admin/api/close-circuit', answer: answerCloseCircuit },
  { ...call, path: '/admin/api/test-provider', answer: answerTestProvider },
  { ...call, path: '/admin/api/test-failover', answer: answerTestFailover },
  { ...call, path: '/admin/api/playground', answer: answerPlayground },
]);
