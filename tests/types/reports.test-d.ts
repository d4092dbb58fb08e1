import type {
  BreakerEffect,
  BudgetState,
  CacheCounts,
  Candidate,
  ConfigIssue,
  ErrorCode,
  ErrorDetails,
  ErrorRow,
  FailedAttempt,
  HealthAsk,
  HealthSummary,
  InventoryAsk,
  ModelInventory,
  ModelSnapshot,
  NextStep,
  Phase,
  Plan,
  PlannedCandidate,
  ProviderHealth,
  ProviderModels,
  ProviderSnapshot,
  ProviderStatus,
  Router,
  RouterSnapshot,
  Score,
  ServedModel,
  SideEffect,
  Situation,
  SkippedCandidate,
  SkippedInPlan,
  Spending,
  SpendingRow,
  StoppedBecause,
} from '../../src/index.ts';
import { AllFailedError, ConfigError, errorCodes, httpStatusOf, isRouterError, RouterError, serves } from '../../src/index.ts';
import { exactly, some } from './exactly.ts';

const router = some<Router>();

// What the router tells of itself.

async function reports(): Promise<void> {
  const ask: HealthAsk & InventoryAsk = { signal: new AbortController().signal };
  const health: HealthSummary = await router.health(ask);
  exactly<'ok' | 'degraded' | 'down'>()(health.status);
  exactly<readonly ProviderHealth[]>()(health.providers);
  exactly<(ProviderStatus | undefined)[]>()(health.providers.map(({ status }): ProviderStatus | undefined => status));
  exactly<(boolean | undefined)[]>()(health.providers.map((provider) => serves(provider)));

  const inventory: ModelInventory = await router.models(ask);
  exactly<readonly ProviderModels[]>()(inventory.providers);
  exactly<readonly ServedModel[]>()(inventory.models);
}
void reports;

const snapshot: RouterSnapshot = router.snapshot();
exactly<readonly ProviderSnapshot[]>()(snapshot.providers);
exactly<CacheCounts | undefined>()(snapshot.cache);
for (const { models, situation } of snapshot.providers) {
  exactly<Situation>()(situation);
  exactly<readonly ModelSnapshot[]>()(models);
}

const spending: Spending = router.spending();
exactly<readonly SpendingRow[]>()(spending.rows);
exactly<readonly BudgetState[]>()(spending.budgets);

const plan: Plan = router.explain({ messages: [{ role: 'user', content: 'Hello!' }] });
exactly<readonly PlannedCandidate[]>()(plan.candidates);
exactly<readonly SkippedInPlan[]>()(plan.skipped);
exactly<Score | undefined>()(plan.candidates.at(0)?.score);
const first: Candidate | undefined = plan.candidates.at(0);
// @ts-expect-error: there may be no candidate
void first.provider;

// Errors.

const thrown = some<unknown>();
if (isRouterError(thrown)) {
  exactly<RouterError>()(thrown);
  exactly<ErrorCode>()(thrown.code);
  exactly<number>()(httpStatusOf(thrown));
  exactly<Phase | undefined>()(thrown.phase);
  exactly<StoppedBecause | undefined>()(thrown.stoppedBecause);
  exactly<readonly FailedAttempt[]>()(thrown.attempts);
  exactly<readonly SkippedCandidate[]>()(thrown.skipped);
}
if (isRouterError(thrown, 'timeout')) exactly<'timeout'>()(thrown.code);
// @ts-expect-error: there is no such code
isRouterError(thrown, 'time_out');
if (thrown instanceof AllFailedError) exactly<'all_failed'>()(thrown.code);
if (thrown instanceof ConfigError) exactly<readonly ConfigIssue[]>()(thrown.issues);

const details: ErrorDetails = { provider: 'gpu', status: 503, retryAfterMs: 1_000, phase: 'connect' };
exactly<RouterError<'unavailable'>>()(new RouterError('unavailable', 'gpu: away.', details));
// @ts-expect-error: there is no such code
void new RouterError('gone', 'gpu: away.');

const row: ErrorRow = errorCodes.timeout;
exactly<NextStep>()(row.next);
exactly<BreakerEffect>()(row.breaker);
exactly<SideEffect>()(row.effect);
