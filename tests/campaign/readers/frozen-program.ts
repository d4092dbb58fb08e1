import { collect, createRouter } from '../../../src/index.ts';

// Run with --disable-proto=throw: nothing may need __proto__, or write to what all objects share.
Object.freeze(Object.prototype);
Object.freeze(Array.prototype);

const url = `http://127.0.0.1:${process.argv[2] ?? ''}/finite`;
const router = createRouter({ health: false, providers: { one: { type: 'openai-compatible', url } } });
const request = { model: 'tiny', messages: [{ role: 'user' as const, content: 'tokens:50' }] };
const chat = await router.chat(request);
const stream = await collect(await router.stream(request));
const texts = [chat, stream].map(({ choices: [{ message }] }) => message.content ?? '');
console.log(JSON.stringify([texts[0] === 'beside', texts[1]?.endsWith('49 ') === true]));
await router.close();
