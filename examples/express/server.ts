import express, { type Express } from 'express';
import { createRouter } from 'inferlane';
import { createHandler, toNodeListener } from 'inferlane/http';

const router = createRouter();
const tokens = process.env.INFERLANE_TOKENS?.split(',');

const app: Express = express();
// Not needed here. Where an application has it, its limit is the one that counts.
app.use(express.json({ limit: '4mb' }));
app.get('/hello', (_request, response) => void response.send('Hello!'));

// Below a path …
app.use('/llm', toNodeListener(createHandler(router, { tokens, basePath: '/llm' })));
// … or at the root, behind every other route: it answers 404 where it has none itself.
app.use(toNodeListener(createHandler(router, { tokens })));

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('Listening on', server.address()));
