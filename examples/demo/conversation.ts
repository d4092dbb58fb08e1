/** What is asked, each time. */
export const messages = [{ role: 'user', content: 'Hello!' }] as const;

/** What the tiny model answers to everything. */
export const answer = 'Hello from a tiny model.';
