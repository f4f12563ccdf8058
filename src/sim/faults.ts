/** How often what goes wrong in a simulated world. Probabilities are per message or call, rates per second. */
export interface Faults {
  /** A ledger commit whose answer is lost: it landed, lands later, or never. */
  readonly commitLost: number;
  /** A ledger call refused without effect. */
  readonly ledgerRefused: number;
  /** Another ledger call whose answer is lost: it had its effect, or not. */
  readonly ledgerLost: number;
  /** A statement that takes up to ten seconds, and keeps the rows of its partitions locked meanwhile. */
  readonly ledgerSlow: number;
  /** Transactions with a record or evidence that the ledger cannot store (SQLSTATE class 22). */
  readonly unstorable: number;
  /** A call to the site that never arrives, or whose answer never comes back. */
  readonly callLost: number;
  /** A call that arrives twice, the second time later. */
  readonly callTwice: number;
  /** A call or answer that takes seconds. */
  readonly callSlow: number;
  /** A call or answer that takes up to two hours. */
  readonly callLate: number;
  /** A request past its not-after that the site carries out all the same, where that is only advice. */
  readonly lateStart: number;
  /** Answers the site may give instead of carrying the step out. */
  readonly refuse: number;
  readonly retry: number;
  /** A reversal that the site refuses. */
  readonly refuseReverse: number;
  /** Results or records sent whose acknowledgement is lost. */
  readonly publishLost: number;
  /** Events per second of virtual time. */
  readonly killsPerSecond: number;
  readonly stopsPerSecond: number;
  readonly rebalancesPerSecond: number;
  /** A link of a worker passes nothing for a while: to the log, the ledger, the participants, or all of them. */
  readonly cutsPerSecond: number;
  /** The ledger forgets up to the last second. */
  readonly failoversPerSecond: number;
}

export const NO_FAULTS: Faults = {
  commitLost: 0,
  ledgerRefused: 0,
  ledgerLost: 0,
  ledgerSlow: 0,
  unstorable: 0,
  callLost: 0,
  callTwice: 0,
  callSlow: 0,
  callLate: 0,
  lateStart: 0,
  refuse: 0,
  retry: 0,
  refuseReverse: 0,
  publishLost: 0,
  killsPerSecond: 0,
  stopsPerSecond: 0,
  rebalancesPerSecond: 0,
  cutsPerSecond: 0,
  failoversPerSecond: 0,
};
