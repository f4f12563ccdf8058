/** The public names of `signalbox/lanes`. */
export { LanesClosedError, LanesFullError, RunTimeoutError } from './errors.ts';
export { Lanes } from './lanes.ts';
export type { LanesOptions, LaneView, RunOptions } from './options.ts';
