/**
 * The links of a simulated worker to ledger, participants and broker: each can be cut, and one answer can be lost after
 * its request took effect. Latency and the rest of a network are the business of the doubles behind them.
 */
import type { Answer, CallKind } from '../core/answer.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { WorkerDoors } from '../engine/options.ts';
import type { Participant, StepCall, TransactionLog } from '../engine/ports.ts';
import { type Ledger, LedgerError } from '../engine/ports-ledger.ts';
import type { Link, SimProcess } from './process.ts';
import type { VirtualWorld } from './world.ts';

/** What a refused connection takes, in ms. */
const REFUSED_MS = 20;

/** The doors of a worker behind links. The log itself keeps its membership from passing a cut link (log.ts). */
export function overLinks(process: SimProcess, virtual: VirtualWorld, doors: WorkerDoors): WorkerDoors {
  const over = { process, virtual };
  linkLedger(doors.ledger, over);
  linkLog(doors.log, over);
  return { ...doors, participant: (name) => linkedParticipant(doors.participant(name), over) };
}

interface Over {
  readonly process: SimProcess;
  readonly virtual: VirtualWorld;
}

/** Asks over the link; `failed` when it is cut before or after, or when the answer is lost. */
function ask<T>(
  link: Link,
  { process, virtual }: Over,
  { send, failed }: { send: () => Promise<T>; failed: (sent: boolean) => T },
): Promise<T> {
  const answer = Promise.withResolvers<T>();
  const fail = (sent: boolean) => {
    try {
      answer.resolve(failed(sent));
    } catch (error) {
      answer.reject(error);
    }
  };
  process.deliver(() => {
    if (process.cutMs(link) > 0) {
      virtual.after(REFUSED_MS, () => process.deliver(() => fail(false)));
      return;
    }
    const isLost = process.takesLoss();
    const meet = (end: () => void) => (isLost || process.cutMs(link) > 0 ? fail(true) : end());
    send().then(
      (value) => meet(() => answer.resolve(value)),
      (error) => meet(() => answer.reject(error)),
    );
  });
  return answer.promise;
}

function linkLedger(ledger: Ledger, over: Over): void {
  const failed = (sent: boolean): never => {
    throw sent
      ? new LedgerError('lost', 'the connection was cut')
      : new LedgerError('refused', 'there is no connection');
  };
  for (const name of LEDGER_CALLS) {
    const call = ledger[name].bind(ledger) as (...args: unknown[]) => Promise<unknown>;
    const linked = (...args: unknown[]) => ask('ledger', over, { send: () => call(...args), failed });
    Object.assign(ledger, { [name]: linked });
  }
}

const LEDGER_CALLS = [
  'commit',
  'takeOver',
  'raise',
  'read',
  'results',
  'parked',
  'commands',
  'limits',
  'commits',
  'skipNumbers',
] as const satisfies (keyof Ledger)[];

function linkLog(log: TransactionLog, over: Over): void {
  const failed = (): never => {
    throw new SignalboxError('SB-3001', 'the connection was cut');
  };
  const publish = log.publish.bind(log);
  log.publish = (partition, results) => ask('log', over, { send: () => publish(partition, results), failed });
}

function linkedParticipant(participant: Participant, over: Over): Participant {
  const linked =
    (kind: CallKind) =>
    (call: StepCall): Promise<Answer> => {
      const failed = (sent: boolean): Answer => ({
        outcome: 'unknown',
        code: sent ? 'SB-4101' : 'SB-4102',
        detail: 'the connection was cut',
      });
      return ask('site', over, { send: async () => participant[kind](call), failed });
    };
  return {
    execute: linked('execute'),
    status: linked('status'),
    reverse: linked('reverse'),
    capabilities: (location) =>
      over.process.cutMs('site') > 0 ? Promise.resolve('away') : participant.capabilities(location),
    close: () => participant.close(),
  };
}
