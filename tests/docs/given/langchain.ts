import { type StructuredTool, tool } from '@langchain/core/tools';
import { z } from 'zod';

export function schema(): z.ZodObject {
  return z.object({ name: z.string() });
}

export function weather(): StructuredTool {
  const described = { name: 'weather', description: 'Tells the weather of a place.', schema: z.object({ place: z.string() }) };
  return tool(({ place }: { place: string }) => `It rains in ${place}.`, described);
}
