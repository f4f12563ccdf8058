/** Workers and partitions: who owns what, how far behind it is, and what was handed over. */
import { usePartitions } from '../api/queries.ts';
import type { FleetEvent, Partition } from '../api/types.ts';
import { useLiveState } from '../live.tsx';
import { useRates } from '../now/rates.ts';
import { WorkersPanel } from '../now/workers.tsx';
import { Age, Nothing, Panel } from '../parts/bits.tsx';
import { useTitle } from '../parts/title.ts';
import { count, duration, partitionName, plural, rate } from '../parts/words.ts';

const EVENTS_MAX = 100;

export function WorkersPage() {
  useTitle('Workers');
  const { status } = useLiveState();
  const { data } = usePartitions();
  if (status === null || data === undefined) return <p className="dim">Asking the ledger…</p>;
  return <Fleet status={status} events={data.events} />;
}

function Fleet({
  status,
  events,
}: {
  readonly status: Parameters<typeof useRates>[0];
  readonly events: readonly FleetEvent[];
}) {
  const rates = useRates(status);
  return (
    <>
      <div className="title">
        <h1>Workers and partitions</h1>
        <span className="meta">
          {plural(status.workers.filter(({ alive }) => alive).length, 'worker')} alive,{' '}
          {plural(status.partitions.length, 'partition')}
        </span>
      </div>
      <WorkersPanel status={status} rates={rates} />
      <div className="cols" style={{ gridTemplateColumns: 'minmax(0,1.2fr) minmax(0,1fr)' }}>
        <Panel title="Partitions" sub="the ledger's watermark is the truth, the group's offset follows it">
          <div className="scroll-x">
            <table>
              <thead>
                <tr>
                  <th>Partition</th>
                  <th>Owner</th>
                  <th className="num">Epoch</th>
                  <th className="num">Watermark</th>
                  <th className="num">Lag</th>
                  <th className="num">Results</th>
                  <th className="num">Published</th>
                  <th className="num">out /s</th>
                </tr>
              </thead>
              <tbody>
                {status.partitions.map((partition) => (
                  <PartitionRow
                    key={partition.partition}
                    partition={partition}
                    perSecond={rates.get(partition.partition)}
                  />
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
        <Panel title="What happened" sub="the last day">
          {events.length === 0 && <Nothing>No hand-over, and no worker came or went.</Nothing>}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
          <div className="log events" role="region" aria-label="What happened, the newest first" tabIndex={0}>
            <ul>
              {events.slice(0, EVENTS_MAX).map((event) => (
                <li key={`${event.at}${event.kind}${event.worker}${event.partition}`}>
                  <span className="dim">
                    <Age since={event.at} ago />
                  </span>{' '}
                  {eventText(event)}
                </li>
              ))}
            </ul>
          </div>
        </Panel>
      </div>
    </>
  );
}

function PartitionRow({
  partition: each,
  perSecond,
}: {
  readonly partition: Partition;
  readonly perSecond: number | undefined;
}) {
  return (
    <tr>
      <td className="mono b">{partitionName(each.partition)}</td>
      <td>{each.owner ?? <span className="warn">nobody</span>}</td>
      <td className="num">{each.epoch}</td>
      <td className="num mono">{each.watermark === null ? '–' : count(each.watermark)}</td>
      <td className="num">{each.lag === null ? '–' : count(each.lag)}</td>
      <td className="num mono">{count(each.lastNumber)}</td>
      <td className="num mono">{count(each.published)}</td>
      <td className="num">{perSecond === undefined ? '–' : rate(perSecond)}</td>
    </tr>
  );
}

function eventText({ kind, worker, version, partition, fromWorker, lost, gapMs, epoch }: FleetEvent): string {
  if (kind === 'worker_started') return `${worker} started, version ${version}`;
  if (kind === 'worker_draining') return `${worker} drains`;
  const which = partition === null ? 'a partition' : partitionName(partition);
  const gap = gapMs === null ? '' : `, idle for ${duration(gapMs)}`;
  if (fromWorker === worker) return `${worker} took ${which} over again, epoch ${epoch}`;
  return `${which} went from ${fromWorker}${lost ? ', which was lost,' : ''} to ${worker}${gap}, epoch ${epoch}`;
}
