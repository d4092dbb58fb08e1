import type { JSX } from 'preact';
import type { AdminIntentPatch, AdminSettings } from '../http/admin-contract.ts';
import { NewIntent } from './new-intent.tsx';
import { OrderForm } from './order-form.tsx';
import { ProviderSettings } from './provider-settings.tsx';
import { intentSpecs, routerSpecs } from './setting-specs.ts';
import { SettingsForm } from './settings-form.tsx';
import type { ShownProvider } from './shown-providers.ts';
import type { Desk } from './use-desk.ts';

interface SettingsProps {
  readonly desk: Desk;
  readonly settings: AdminSettings;
  readonly providers: readonly ShownProvider[];
  /** The provider that was asked for, or empty. */
  readonly target: string;
}

export function Settings({ desk, settings, providers, target }: SettingsProps): JSX.Element {
  return (
    <div class="settings">
      <p class="note">
        Changes hold at once and until the process ends: they are not written to any file. Types and addresses of providers cannot be
        changed here, and none can be added.
      </p>
      <section aria-labelledby="router-title">
        <h2 id="router-title">Router</h2>
        <SettingsForm
          desk={desk}
          label="settings of the router"
          specs={routerSpecs(Object.keys(settings.intents))}
          current={{ ...settings }}
          toPatch={(fields) => fields}
        />
      </section>
      <section aria-labelledby="order-title">
        <h2 id="order-title">Order and load ratio</h2>
        <OrderForm desk={desk} settings={settings} providers={providers} />
      </section>
      <section aria-labelledby="provider-settings-title">
        <h2 id="provider-settings-title">Providers</h2>
        {providers.map((shown) => (
          <ProviderSettings key={shown.provider} desk={desk} shown={shown} isTarget={target === shown.provider} />
        ))}
      </section>
      <Intents desk={desk} settings={settings} />
    </div>
  );
}

function Intents({ desk, settings }: Pick<SettingsProps, 'desk' | 'settings'>): JSX.Element {
  return (
    <section aria-labelledby="intents-title">
      <h2 id="intents-title">Intents</h2>
      {Object.entries(settings.intents).map(([name, intent]) => (
        <details key={name} class="fold">
          <summary>
            <b>{name}</b>
            {name === settings.defaultIntent && <span class="note"> the default</span>}
          </summary>
          <SettingsForm
            desk={desk}
            label={`intent ${name}`}
            specs={intentSpecs}
            current={{ ...intent }}
            toPatch={(fields) => ({ intents: { [name]: fields as AdminIntentPatch } })}
          />
        </details>
      ))}
      <NewIntent desk={desk} known={Object.keys(settings.intents)} />
    </section>
  );
}
