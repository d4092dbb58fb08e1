import { createRouter } from 'inferlane';
import OpenAI from 'openai';

const router = createRouter();

// The one line that changes: the client's calls stay in this process, and the router answers them.
const openai = new OpenAI({ apiKey: 'unused', fetch: router.fetch });

const stream = await openai.chat.completions.create({
  model: 'llama3.1:8b',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
  stream: true,
});
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? '');
process.stdout.write('\n');

await router.close();
