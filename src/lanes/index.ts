/** The public names of `signalbox/lanes`. */
export { LanesClosedError, LanesFullError, RunTimeoutError } from './errors.ts';
export { Lanes, type LanesOptions, type LaneView, type RunOptions } from './lanes.ts';
