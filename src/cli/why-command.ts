/** `signalbox why <location>`: why it waits, what happens next, what would free it, and who may do what about it. */
import { type Act, actsOf } from '../api/acts.ts';
import type { ReadModel, Why } from '../engine/ports-read.ts';
import { type Cell, clock, fields, show, type Terminal, table } from './terminal.ts';

export async function whyCommand(
  location: string,
  read: Pick<ReadModel, 'why'>,
  terminal: Terminal,
): Promise<number> {
  const found = await read.why(location);
  // As the API answers it, so that a script may ask either.
  const why = { ...found, holders: found.holders.map((each) => ({ ...each, acts: actsOf(each.state) })) };
  show(terminal, why, () => [
    ...fields(entriesOf(why)),
    ...holdersOf(why),
    ...why.holders.flatMap(({ id, acts }) => actLines(id, acts)),
  ]);
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

/** The command of each act, as docs/reference/cli.md has it. */
const COMMANDS: Readonly<Record<Act['action'], (id: string) => string>> = {
  cancel: (id) => `cancel ${id}`,
  ask: (id) => `ask ${id}`,
  complete: (id) => `decide ${id} complete`,
  roll_back: (id) => `decide ${id} roll-back`,
  retry: (id) => `decide ${id} retry`,
};

/** What may be done now and what each does; the rest only by its reason, once. */
function actLines(id: string, acts: readonly Act[]): string[] {
  const possible = acts.filter(({ not }) => not === null);
  if (possible.length === 0) {
    const reasons = new Set(acts.map(({ not }) => not).filter((not) => not !== null));
    return ['', `nobody need act on ${id}: ${[...reasons].join(' ')}`];
  }
  return [
    '',
    `an operator of this location may, with --reason (${id}):`,
    ...possible.flatMap(({ action, consequence }) => [
      `  signalbox ${COMMANDS[action](id)}`,
      `      ${consequence}`,
    ]),
  ];
}
