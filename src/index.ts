/** The public names of the package `signalbox`. */
export { defineConfig, type SignalboxConfig } from './config/schema.ts';
export { CATALOGUE, type ErrorCode, SignalboxError } from './core/errors/catalogue.ts';
export type { ErrorEntry } from './core/errors/entry.ts';
