// Written by scripts/write-version.ts, which `npm version` runs: outside of Node there is no package.json that could be read.

/** Of this package. */
export const version = '0.1.0';
