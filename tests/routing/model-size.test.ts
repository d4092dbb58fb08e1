import { expect, test } from 'vitest';
import { billionsOf } from '../../src/routing/model-size.ts';

test.each([
  ['llama3.1:8b', 8],
  ['llama3.2:1b-instruct-q8_0', 1],
  ['Qwen2.5-72B-Instruct', 72],
  ['Qwen/Qwen2.5-0.5B-Instruct', 0.5],
  ['phi-3-mini-3.8b', 3.8],
  ['phi3:3.8b-mini-128k-instruct-q4_0', 3.8],
  ['smollm2:135m', 0.135],
  ['smollm2:1.7b', 1.7],
  ['gemma-2b-it', 2],
  ['gemma-2-27b-it-4bit', 27],
  ['deepseek-r1:1.5b', 1.5],
  ['deepseek-ai/DeepSeek-R1-Distill-Llama-70B', 70],
  ['nemotron-4-340b', 340],
  ['meta-llama/Llama-3.3-70B-Instruct-Turbo', 70],
  ['meta-llama/Meta-Llama-3.1-405B-Instruct-FP8', 405],
  ['llama-2-7b-chat.Q4_K_M.gguf', 7],
  ['llama-2-7b.gguf', 7],
  ['Llama-3.2-3B-Instruct-exl2-4.0bpw', 3],
  ['hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M', 3],
  ['mistral-7b-instruct-v0.3', 7],
  ['tinyllama-1.1b-chat-v1.0', 1.1],
  ['openai/gpt-oss-120b', 120],
  ['gpt-oss:20b', 20],
  ['starcoder2:3b', 3],
  ['accounts/fireworks/models/llama-v3p1-70b-instruct', 70],
  ['all-minilm:22m', 0.022],
  ['snowflake-arctic-embed:335m', 0.335],
  ['bge-m3:567m', 0.567],
  ['snowflake-arctic-embed2:568m', 0.568],
  ['EleutherAI/pythia-160m', 0.16],
  ['togethercomputer/m2-bert-80M-8k-retrieval', 0.08],
  ['inclusionAI/Ling-1T', 1000],
])('%s has %d billion parameters', (name, expected) => {
  expect(billionsOf(name)).toBe(expected);
});

test.each([
  ['mixtral:8x7b', 56],
  ['open-mixtral-8x22b', 176],
  ['dolphin-mixtral:8x7b-v2.6-q4_K_M', 56],
  ['meta-llama/Llama-4-Scout-17B-16E-Instruct', 272],
  ['qwen3:30b-a3b', 30],
  ['Qwen/Qwen3-235B-A22B-Instruct-2507', 235],
])('%s: all experts together have at most %d billion', (name, expected) => {
  expect(billionsOf(name)).toBe(expected);
});

test.each([
  ['Qwen2.5-7B-Instruct-1M', 7],
  ['glm-4-9b-chat-1m', 9],
  ['yi-34b-200k', 34],
  ['TinyLlama-1.1B-step-50K-105b', 1.1],
  ['TinyLlama-1.1B-intermediate-step-1431k-3T', 1.1],
  ['/models/70b/llama-8b.gguf', 8],
  ['C:\\models\\70b\\llama-8b.gguf', 8],
])('%s: what else it counts is not its size, %d', (name, expected) => {
  expect(billionsOf(name)).toBe(expected);
});

test.each([
  'gpt-4o',
  'gpt-4o-mini',
  'o1',
  'llama3.1:latest',
  'claude-3-5-haiku-20241022',
  'text-embedding-3-small',
  'bge-m3',
  'all-MiniLM-L6-v2',
  'nomic-embed-text:v1.5',
  'microsoft/Phi-3-medium-128k-instruct',
  'model.Q4_K_M.gguf',
  'llama-4bit',
  'gemini-1.5-pro-1m',
  'Qwen1.5-MoE-A2.7B',
  'gemma3n:e4b',
  'RWKV-4-World-1B5',
  '/models/70b/main.gguf',
  'nothing-0b',
  'nothing-0x7b',
  '',
])('%s tells no size', (name) => {
  expect(billionsOf(name)).toBeUndefined();
});

test('a name of any length is read in no time', () => {
  const started = performance.now();
  for (const part of ['1', '1x', '1.', '1b', 'a1b', '8x7b-16e-']) billionsOf(part.repeat(200_000));
  expect(performance.now() - started).toBeLessThan(2_000);
});

test.each([
  ['SmolLM2-11T-1.7B', 1.7],
  ['step-1431k-3T-TinyLlama-1.1B', 1.1],
  ['draft-135m-for-llama-8b', 8],
])('%s: a size in billions is the size, whatever is counted before it', (name, expected) => {
  expect(billionsOf(name)).toBe(expected);
});

test('ten millions are the length of a context, and eleven are a size', () => {
  expect([billionsOf('scout-10m'), billionsOf('scout-11m')]).toEqual([undefined, 0.011]);
});
