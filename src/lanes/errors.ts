/** What `run` can reject with, besides what its function throws. */

/** As many wait as may: try later, or use `room`. */
export class LanesFullError extends Error {
  override readonly name = 'LanesFullError';
  readonly code = 'SB-7001';
  readonly key: string;
  /** Of this key. */
  readonly waiting: number;

  constructor(key: string, waiting: number) {
    super(`SB-7001 no room to wait for ${JSON.stringify(key)}: ${waiting} of it wait already`);
    this.key = key;
    this.waiting = waiting;
  }
}

export class LanesClosedError extends Error {
  override readonly name = 'LanesClosedError';
  readonly code = 'SB-7002';

  constructor(detail = 'these lanes are closed') {
    super(`SB-7002 ${detail}`);
  }
}

export class RunTimeoutError extends Error {
  override readonly name = 'RunTimeoutError';
  readonly code = 'SB-7003';
  readonly ms: number;

  constructor(what: 'waited' | 'ran', ms: number) {
    super(`SB-7003 it ${what} for ${ms} ms`);
    this.ms = ms;
  }
}
