import express, { type Express } from 'express';

export function app(): Express {
  return express().use(express.json());
}
