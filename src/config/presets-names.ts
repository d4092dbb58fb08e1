export const presetNames = ['multi-backend', 'free-first', 'hybrid', 'tgi-registry', 'switchable'] as const;

/** What INFERLANE_PRESET and `fromEnv(env, { preset })` may name. */
export type PresetName = (typeof presetNames)[number];
