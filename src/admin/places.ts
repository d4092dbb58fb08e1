/** The parts of the page, by what stands behind `#` in the address. */
export const places = { overview: 'Overview', playground: 'Playground', settings: 'Settings' } as const;

export type Place = keyof typeof places;
