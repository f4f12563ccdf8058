/** Watches what one worker asks of ledger and log, and what the broker makes of it. */
import type { TransactionLog } from '../engine/ports.ts';
import { type Ledger, LedgerError } from '../engine/ports-ledger.ts';
import type { Watch, Watched } from './watched.ts';

export function watchLedger(ledger: Ledger, watch: Watch, worker: Watched): void {
  const { virtual, lost, applied } = watch;
  const commit = ledger.commit.bind(ledger);
  ledger.commit = (asked) => {
    worker.commits.add(asked);
    const answer = commit(asked);
    const end = () => worker.commits.delete(asked);
    answer.then(end, (error: unknown) => {
      end();
      if (!(error instanceof LedgerError) || error.failure !== 'lost') return;
      if (applied.has(asked)) virtual.sometimes('the answer to a commit was lost and it had landed');
      else lost.set(asked, virtual.elapsedMs);
    });
    return answer;
  };
  const takeOver = ledger.takeOver.bind(ledger);
  ledger.takeOver = (partition) => {
    worker.takingOver.add(partition);
    const answer = takeOver(partition);
    const end = () => void worker.takingOver.delete(partition);
    answer.then(end, end);
    return answer;
  };
  const parked = ledger.parked.bind(ledger);
  ledger.parked = (lane) => {
    const page = `${lane.partition} ${lane.location}`;
    worker.pages.add(page);
    const answer = parked(lane);
    const end = () => void worker.pages.delete(page);
    answer.then(end, end);
    return answer;
  };
}

export function watchLog(log: TransactionLog, { virtual, broker }: Watch): void {
  const mayBegin = log.mayBegin.bind(log);
  log.mayBegin = () => {
    const may = mayBegin();
    if (!may) virtual.sometimes('a worker doubted its own membership and began nothing');
    return may;
  };
  const pause = log.pause.bind(log);
  log.pause = (partition) => {
    virtual.sometimes('a fetch was paused because memory was full');
    pause(partition);
  };
  const publish = log.publish.bind(log);
  log.publish = (partition, results) => {
    const answer = publish(partition, results);
    answer.catch(() => {
      const last = broker.results.findLast((result) => result.partition === partition);
      virtual.sometimes(
        last?.record === results.at(-1)
          ? 'results arrived and their acknowledgement was lost'
          : 'results were lost on their way',
      );
    });
    return answer;
  };
}

export function watchBroker({ virtual, broker }: Watch): void {
  const read = new Map<number, number>();
  const fetch = broker.fetch.bind(broker);
  broker.fetch = (partition, position, count) => {
    const fetched = fetch(partition, position, count);
    const { records, next } = fetched;
    const furthest = read.get(partition) ?? 0;
    if (records.length > 0 && position < furthest) virtual.sometimes('records were fetched again');
    read.set(partition, Math.max(furthest, next));
    return fetched;
  };
  const commit = broker.commit.bind(broker);
  broker.commit = (partition, offset) => {
    if (offset < (broker.groupOffsets.get(partition) ?? 0))
      virtual.sometimes('a group offset went back by a late commit');
    commit(partition, offset);
  };
  const published = new Set<string>();
  const publish = broker.publish.bind(broker);
  broker.publish = (partition, results) => {
    for (const { value } of results) {
      if (published.has(value)) virtual.sometimes('a result was published twice');
      published.add(value);
    }
    publish(partition, results);
  };
}
