/** Watches the simulated ledger at the instant it applies something, whoever waits for the answer. */
import { sameContent } from '../core/content.ts';
import { isFinal } from '../core/states.ts';
import type {
  Change,
  Commit,
  CommitAnswer,
  Entry,
  EntryAnswer,
  LedgerIdentity,
} from '../engine/ports-ledger.ts';
import { placeOf, type SimPartition } from './ledger-rows.ts';
import type { Sometimes } from './sometimes.ts';
import type { Watch } from './watched.ts';

export function watchStore(watch: Watch): void {
  const { store } = watch;
  watchTakeOvers(watch);
  const commit = store.commit.bind(store);
  store.commit = (identity, asked) => {
    const letters = store.deadLetters.size;
    const answer = commit(identity, asked);
    sawFate(watch, identity, asked, answer);
    sawHeads(watch, identity, asked, answer);
    sawEntries(watch, identity, asked, answer);
    const new_ = store.deadLetters.size - letters;
    const written = asked.entries.filter(
      ({ kind }, index) => kind === 'dead-letter' && answer.answers[index]?.status === 'done',
    );
    if (written.length > new_) watch.virtual.sometimes('a dead letter met itself again');
    return answer;
  };
  const setLocation = store.setLocation.bind(store);
  store.setLocation = (location, setting) => {
    const before = store.locations.get(location)?.paused ?? false;
    setLocation(location, setting);
    const during = [...watch.workers.values()].some(({ takingOver }) => takingOver.size > 0);
    if (!during || before === setting.paused) return;
    watch.virtual.sometimes(
      setting.paused ? 'a location was paused during a take-over' : 'a location was freed during a take-over',
    );
  };
}

function sawFate(watch: Watch, { worker }: LedgerIdentity, asked: Commit, answer: CommitAnswer): void {
  const { virtual, lost, applied, workers } = watch;
  applied.add(asked);
  const process = workers.get(worker)?.process;
  const isShutOut = answer.fenced.length === asked.heads.length;
  if (lost.delete(asked)) {
    virtual.sometimes(
      isShutOut
        ? 'the answer to a commit was lost and it came later, shut out by the raised epoch'
        : 'the answer to a commit was lost and it landed later, before the epochs were raised',
    );
  }
  if (isShutOut || process === undefined) return;
  if (!process.alive) virtual.sometimes('a commit of a killed worker landed');
  else if (process.stopped) virtual.sometimes('a commit of a stopped worker landed');
}

function sawHeads(
  { virtual, store }: Watch,
  { topic, worker }: LedgerIdentity,
  asked: Commit,
  answer: CommitAnswer,
): void {
  const taken = answer.fenced.some(
    (partition) => store.partitions.get(placeOf(topic, partition))?.worker !== worker,
  );
  if (taken) virtual.sometimes('a commit of an owner whose partition was taken over was refused');
  if (answer.fenced.length > 0 && answer.fenced.length < asked.heads.length)
    virtual.sometimes('a commit was refused for one partition and applied for another');
  const [first] = asked.entries;
  const several = asked.entries.some(({ partition }) => partition !== first?.partition);
  if (several) virtual.sometimes('a commit carried entries of several partitions');
}

function sawEntries(watch: Watch, identity: LedgerIdentity, asked: Commit, { answers }: CommitAnswer): void {
  const { virtual, store } = watch;
  const ended = new Set<string>();
  for (const [index, entry] of asked.entries.entries()) {
    const answer = answers[index];
    if (answer === undefined || answer.status === 'fenced') continue;
    const point = pointOf(watch, identity, entry, answer);
    if (point !== null) virtual.sometimes(point);
    if (entry.kind === 'change' && answer.status === 'done' && isFinal(entry.to))
      ended.add(store.rows.get(entry.id)?.location ?? '');
    if (entry.kind === 'change' && entry.command !== null) sawDecision(watch, entry);
    const begins = (entry.kind === 'begin' || entry.kind === 'begin-parked') && answer.status === 'done';
    if (begins && ended.has(entry.location))
      virtual.sometimes('an end and the next begin of a lane were in one commit');
  }
}

function pointOf(
  watch: Watch,
  { topic, worker }: LedgerIdentity,
  entry: Entry,
  answer: EntryAnswer,
): Sometimes | null {
  switch (answer.status) {
    case 'exists': {
      if (entry.kind !== 'begin' && entry.kind !== 'park') return null;
      const { row } = answer;
      if (row.topic === topic && row.partition === entry.partition && row.offset === entry.offset)
        return 'a record met its own row';
      if (!sameContent(entry.payload, entry.location, row.payload, row.location))
        return 'an id came again with other content';
      if (row.state === 'received') return 'a duplicate of a parked row';
      return isFinal(row.state)
        ? 'a duplicate of a final transaction'
        : 'a duplicate of a transaction under way';
    }
    case 'busy':
      return 'a begin found no free slot';
    case 'paused':
      return 'a begin found its location paused';
    case 'expired':
      return 'a transaction expired before it began';
    case 'changed':
      return entry.kind === 'change'
        ? 'a change found another state or token'
        : 'a parked row was gone when it should begin';
    case 'done': {
      if (entry.kind === 'park') {
        const reads = watch.workers.get(worker)?.pages.has(`${entry.partition} ${entry.location}`) ?? false;
        return reads ? 'rows were parked while a page of their lane was read' : null;
      }
      const late =
        entry.kind === 'change' &&
        'state' in answer &&
        entry.lateTo === answer.state &&
        entry.to !== entry.lateTo;
      return late ? 'a deadline had passed inside the commit' : null;
    }
    case 'fenced':
      return null;
  }
}

function sawDecision({ virtual, store }: Watch, { command, event, id }: Change): void {
  const known = store.commands.get(command ?? -1);
  if (known?.outcome === 'applied') virtual.sometimes('a decision was applied');
  if (known?.outcome === 'applied' && event === 'cancel')
    virtual.sometimes('a parked transaction was cancelled');
  if (known?.outcome === 'refused' && known.found !== null)
    virtual.sometimes('a decision was refused, for it was decided on what is no longer so');
  for (const other of store.commands.values())
    if (other !== known && other.command.id === id && other.outcome === null)
      virtual.sometimes('two decisions about one transaction were open at once');
}

// ------------------------------------------------------------------------------------------ take-overs

interface LastTaken {
  readonly worker: string;
  readonly commits: number;
}

function watchTakeOvers(watch: Watch): void {
  const { store, virtual } = watch;
  const last = new Map<number, LastTaken>();
  const takeOver = store.takeOver.bind(store);
  store.takeOver = (identity, partition) => {
    const known = store.partitions.get(placeOf(identity.topic, partition));
    const before = known === undefined ? null : { ...known };
    const history = store.transitions.length;
    const taken = takeOver(identity, partition);
    if (taken.outcome !== 'owned') return taken;
    if (taken.holders.length > 0) virtual.sometimes('a take-over found holders');
    if (taken.parked.length > 0) virtual.sometimes('a take-over found parked rows');
    const events = store.transitions.slice(history).map(({ event }) => event);
    if (events.length > 0) virtual.sometimes('a take-over found an attempt under way');
    if (events.includes('give_up'))
      virtual.sometimes('a transaction was held because its attempts ended by take-overs');
    if (before !== null && before.worker !== identity.worker) sawFormer(watch, before, partition);
    const lastTaken = last.get(partition);
    if (lastTaken?.commits === taken.commits && lastTaken.worker !== identity.worker)
      virtual.sometimes('two workers took a partition over with no commit between');
    last.set(partition, { worker: identity.worker, commits: taken.commits });
    return taken;
  };
  const raise = store.raise.bind(store);
  store.raise = (identity, owned) => {
    const raised = raise(identity, owned);
    if (raised.length < owned.length)
      virtual.sometimes('a partition was taken over while a lost answer was settled');
    return raised;
  };
}

function sawFormer({ virtual, workers, applied }: Watch, before: SimPartition, partition: number): void {
  const former = workers.get(before.worker);
  if (former === undefined) return;
  const { process, commits, runs } = former;
  const underWay = [...commits].some(
    (commit) => !applied.has(commit) && commit.heads.some((head) => head.partition === partition),
  );
  if (underWay) virtual.sometimes('a take-over while a commit of the former owner was on its way');
  if (!process.alive || !runs.has(partition)) return;
  virtual.sometimes(
    process.stopped ? 'a take-over from a stopped owner' : 'a take-over from an owner that was at work',
  );
}
