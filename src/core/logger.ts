/**
 * Where the router writes what it does; the shape of pino's, and `console` has it as well. What it throws or rejects with changes no call,
 * and what it returns is not waited for.
 */
export interface Logger {
  debug(fields: object, message: string): unknown;
  info(fields: object, message: string): unknown;
  warn(fields: object, message: string): unknown;
  error(fields: object, message: string): unknown;
}
