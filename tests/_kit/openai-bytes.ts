import type { Script } from './loopback.ts';

/** The bytes of a server that speaks OpenAI's protocol. */
export const sse: Readonly<Record<string, string>> = { 'content-type': 'text/event-stream' };

export function chatBody(content: string): string {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
  return JSON.stringify({ id: 'c1', object: 'chat.completion', created: 1, model: 'tiny', choices });
}

export function event(content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'tiny', choices })}\n\n`;
}

export const roleEvent: string = `data: ${JSON.stringify({ id: 'c1', choices: [{ index: 0, delta: { role: 'assistant' } }] })}\n\n`;
export const finish: string = `data: ${JSON.stringify({ id: 'c1', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;

export const answers = (content: string): Script => ({ pieces: [chatBody(content)] });
export const streams = (...texts: readonly string[]): Script => ({ headers: sse, pieces: [...texts.map(event), finish] });
