/** Workers with their heartbeat, and the proof of the demo below them. */
import type { Proof, Status, Worker } from '../api/types.ts';
import { Age, Panel } from '../parts/bits.tsx';
import { bytes, count, partitionNames } from '../parts/words.ts';

export function WorkersPanel({
  status,
  rates,
}: {
  readonly status: Status;
  readonly rates: ReadonlyMap<number, number>;
}) {
  const alive = status.workers.filter((worker) => worker.alive);
  const shown = status.workers.filter((worker) => worker.alive || worker.partitions.length > 0);
  return (
    <Panel title="Workers" sub={`${alive.length} alive, heartbeat every 1 s, lost after 10 s`}>
      <div className="scroll-x">
        <table>
          <thead>
            <tr>
              <th>Worker</th>
              <th>Heartbeat</th>
              <th>Partitions</th>
              <th className="num">Lanes</th>
              <th className="num">Waiting</th>
              <th className="num">out /s</th>
              <th className="num">Memory</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((worker) => (
              <WorkerRow key={worker.worker} worker={worker} rates={rates} />
            ))}
          </tbody>
        </table>
      </div>
      <span className="grow" />
      {isProof(status.demo) && <ProofRow proof={status.demo} />}
    </Panel>
  );
}

function WorkerRow({
  worker,
  rates,
}: {
  readonly worker: Worker;
  readonly rates: ReadonlyMap<number, number>;
}) {
  const perSecond = worker.partitions.reduce((sum, partition) => sum + (rates.get(partition) ?? 0), 0);
  return (
    <tr>
      <td className="b">{worker.worker}</td>
      <td>
        <Heart alive={worker.alive} />{' '}
        <span className={worker.alive ? 'mut' : 'warn'}>
          {worker.draining ? 'drains, ' : ''}
          <Age since={worker.heartbeatAt} ago />
        </span>
      </td>
      <td className="mono">{worker.alive ? partitionNames(worker.partitions) || 'none' : 'lost'}</td>
      <td className="num">{count(worker.lanes)}</td>
      <td className="num">{count(worker.waiting)}</td>
      <td className="num">{perSecond.toFixed(1)}</td>
      <td className="num mut">{bytes(worker.rssBytes)}</td>
    </tr>
  );
}

function Heart({ alive }: { readonly alive: boolean }) {
  const beat = 'l1.5 -8 1.5 10 1 -2';
  return (
    <svg className="hb" viewBox="0 0 84 16" aria-hidden="true">
      <path d={alive ? `M0 12H8${beat}H32${beat}H56${beat}` : `M0 12H8${beat}H84`} />
      {alive && <path className="last" d={`M60 12H72${beat}H84`} />}
    </svg>
  );
}

function isProof(demo: unknown): demo is Proof {
  return typeof demo === 'object' && demo !== null && 'checkedRecords' in demo;
}

/** A counter without checked cases says so, never 0. */
function ProofRow({ proof }: { readonly proof: Proof }) {
  const counters = [
    ['overlaps', proof.overlaps, `${count(proof.checkedEffects)} effects compared`],
    ['lost', proof.lost, `${count(proof.checkedRecords)} records traced`],
    ['double effects', proof.doubled, `${count(proof.checkedEffects)} journal lines`],
  ] as const;
  return (
    <section className="proof" aria-label="Live proof">
      {counters.map(([name, value, checked]) => (
        <div key={name}>
          <span className={`z ${value !== null && value > 0 ? 'st-held' : ''}`} data-proof={name}>
            {value ?? '–'}
          </span>
          <p className="l">{name}</p>
          <p className="s">{value === null ? 'nothing checked yet' : checked}</p>
        </div>
      ))}
    </section>
  );
}
