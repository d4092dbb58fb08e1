import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { AdminProviderPatch, AdminProviderSettings } from '../http/admin-contract.ts';
import { Credential } from './credential.tsx';
import { Status } from './mark.tsx';
import { providerSpecs } from './setting-specs.ts';
import { SettingsForm } from './settings-form.tsx';
import type { ShownProvider } from './shown-providers.ts';
import type { Desk } from './use-desk.ts';

interface ProviderSettingsProps {
  readonly desk: Desk;
  readonly shown: ShownProvider;
  /** It was asked for by name: it opens, and the focus goes there. */
  readonly isTarget: boolean;
}

/** Types that send no credentials of the router's. */
const keyless: ReadonlySet<string> = new Set(['custom', 'cpu', 'stub']);

export function ProviderSettings({ desk, shown, isTarget }: ProviderSettingsProps): JSX.Element | null {
  const [isOpen, setIsOpen] = useState(false);
  const summary = useRef<HTMLElement>(null);
  const { provider, settings } = shown;
  useLayoutEffect(() => {
    if (!isTarget) return;
    setIsOpen(true);
    summary.current?.focus();
    summary.current?.scrollIntoView({ block: 'start' });
  }, [isTarget]);
  if (settings === undefined) return null;
  return (
    <details class="fold" open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary ref={summary}>
        <b>{provider}</b> <Status is={shown.mark} word={shown.word} />
        <span class="note">{settings.type}</span>
      </summary>
      <SettingsForm
        desk={desk}
        label={`settings of ${provider}`}
        specs={providerSpecs(settings.type)}
        current={{ ...settings }}
        toPatch={(fields) => ({ providers: { [provider]: fields as AdminProviderPatch } })}
      />
      {!keyless.has(settings.type) && <Credential desk={desk} provider={provider} hasKey={settings.hasKey} />}
      <Metadata settings={settings} />
    </details>
  );
}

/** What is known of the server and nothing acts upon. */
function Metadata({ settings: { url, metadata = {} } }: { readonly settings: AdminProviderSettings }): JSX.Element {
  const rows = [...(url === undefined ? [] : [['Address', url] as const]), ...Object.entries(metadata)];
  return (
    <dl class="figures">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
