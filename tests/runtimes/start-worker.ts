import type { Given } from './smoke/ground.ts';
import { linesOf } from './smoke/index.ts';

// The start on Workers: what the driver says is the body of a request, and the lines are the answer.
export default {
  async fetch(request: Request): Promise<Response> {
    const lines: string[] = [];
    for await (const line of linesOf((await request.json()) as Given)) lines.push(line);
    return new Response(lines.join('\n'));
  },
};
