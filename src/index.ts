/** The public names of the package `signalbox`. */
export { createSignalbox, type SignalboxOptions } from './cli/compose-signalbox.ts';
export { defineConfig, type SignalboxConfig } from './config/schema.ts';
export { CATALOGUE, type ErrorCode, SignalboxError } from './core/errors/catalogue.ts';
export type { ErrorEntry } from './core/errors/entry.ts';
export type { StepCall } from './engine/ports.ts';
export type { TransactionView, TransitionView, Why } from './engine/ports-read.ts';
export type {
  ExecuteAnswer,
  HttpOptions,
  InProcessOptions,
  ReverseAnswer,
  SignalboxEvent,
  SignalboxHealth,
  StatusAnswer,
  StepFunctions,
  Submission,
  Submitted,
} from './library/options.ts';
export type { Signalbox } from './library/signalbox.ts';
