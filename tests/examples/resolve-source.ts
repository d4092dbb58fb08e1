// For `node --import`: an example that imports the package by its name gets the sources, so that nothing has to be built first.
import { registerHooks } from 'node:module';

const entries: Readonly<Record<string, string>> = {
  inferlane: 'index.ts',
  'inferlane/http': 'http/index.ts',
  'inferlane/otel': 'telemetry/otel.ts',
  'inferlane/prometheus': 'telemetry/prometheus.ts',
  'inferlane/testing': 'testing/index.ts',
};

registerHooks({
  resolve(specifier, context, next) {
    const entry = entries[specifier];
    return entry === undefined ? next(specifier, context) : next(new URL(`../../src/${entry}`, import.meta.url).href, context);
  },
});
