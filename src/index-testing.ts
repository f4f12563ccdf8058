/** The public names of `signalbox/testing`. */
export { simulate } from './cli/compose-testing.ts';
export type { StepCall } from './engine/ports.ts';
export type {
  ExecuteAnswer,
  InProcessOptions,
  ReverseAnswer,
  StatusAnswer,
  StepFunctions,
} from './library/options.ts';
export type { Machine } from './testing/machine.ts';
export {
  type SimulatedFaults,
  type SimulateOptions,
  SimulationError,
  type SimulationReport,
} from './testing/options.ts';
