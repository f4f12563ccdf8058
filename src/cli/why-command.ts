/** `signalbox why <location>`: why it waits, what happens next, what would free it. */
import type { ReadModel, Why } from '../engine/ports-read.ts';
import { type Cell, clock, fields, show, type Terminal, table } from './terminal.ts';

export async function whyCommand(
  location: string,
  read: Pick<ReadModel, 'why'>,
  terminal: Terminal,
): Promise<number> {
  const why = await read.why(location);
  show(terminal, why, () => [...fields(entriesOf(why)), ...holdersOf(why)]);
  return 0;
}

function entriesOf(why: Why): [string, Cell][] {
  const alive = why.ownerAlive === null ? '' : why.ownerAlive ? ', alive' : ', not heard of';
  return [
    ['location', why.location],
    ['as of', clock(why.asOf)],
    ['cause', why.cause],
    ['next', why.next],
    ['exit', why.exit],
    ['slots', `${why.holders.length} of ${why.concurrency} taken${why.paused ? ', paused' : ''}`],
    ['waiting', waitingOf(why)],
    [
      'partition',
      why.partition === null
        ? null
        : `${why.partition}, ${why.owner === null ? 'without an owner' : `owner ${why.owner}${alive}`}`,
    ],
    ['last', why.last && `${why.last.id} ${why.last.state.replace('_', ' ')} ${clock(why.last.finishedAt)}`],
  ];
}

function waitingOf({ parked, waitingInMemory }: Why): string {
  const memory =
    waitingInMemory === null ? 'not among the deepest lanes in memory' : `${waitingInMemory} in memory`;
  return `${memory}, ${parked} parked`;
}

function holdersOf({ holders }: Why): string[] {
  if (holders.length === 0) return [];
  const header = ['slot', 'transaction', 'state', 'step', 'since', 'attempts', 'code', 'next attempt'];
  const rows = holders.map((each): Cell[] => [
    each.slot,
    each.id,
    each.state,
    each.step,
    each.since.slice(11, 23),
    each.attempts,
    each.code ?? '',
    each.nextAttemptAt?.slice(11, 23) ?? '',
  ]);
  return ['', ...table(header, rows)];
}
