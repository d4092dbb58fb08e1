import { Hono } from 'hono';
import { createRouter } from 'inferlane';
import { type Connection, createHandler } from 'inferlane/http';

const router = createRouter();
const handler = createHandler(router, { tokens: process.env.INFERLANE_TOKENS?.split(',') });

/** The bindings are what the server below knows of the connection: without tokens, the handler asks whether it comes from this machine. */
export const app: Hono<{ Bindings: Connection }> = new Hono();

app.get('/hello', (context) => context.text('Hello!'));
app.all('*', (context) => handler(context.req.raw, context.env));
