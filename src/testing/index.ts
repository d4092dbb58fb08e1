export * from './script.ts';
