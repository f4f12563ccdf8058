/** Now: is it healthy, who must act, where, and is the proof clean? */
import { useAttention, useLines, useMe, useSeries } from '../api/queries.ts';
import type { Status } from '../api/types.ts';
import { useLiveState } from '../live.tsx';
import { HealthHead } from '../now/health.tsx';
import { LabPanel } from '../now/lab.tsx';
import { LinesPanel } from '../now/lines.tsx';
import { NeedsAttention } from '../now/needs-attention.tsx';
import { useRates } from '../now/rates.ts';
import { Stats } from '../now/stats.tsx';
import { Strips } from '../now/strips.tsx';
import { WorkersPanel } from '../now/workers.tsx';
import { useTitle } from '../parts/title.ts';
import { useParameters } from '../parts/url.ts';
import { EmptyPage } from './empty.tsx';

const RANGES = [
  ['15m', '15 min'],
  ['1h', '1 h'],
  ['24h', '24 h'],
] as const;

export function NowPage() {
  useTitle('Now');
  const { status } = useLiveState();
  const { data: lines } = useLines();
  if (status === null) return <p className="dim">Asking the ledger…</p>;
  const nothing = lines?.locations === 0 && status.completed === 0 && status.rolledBack === 0;
  return nothing ? <EmptyPage status={status} /> : <Running status={status} />;
}

function Running({ status }: { readonly status: Status }) {
  const [parameters, set] = useParameters();
  const range = parameters.get('range') ?? '15m';
  const { data: me } = useMe();
  const { data: series } = useSeries(range);
  const { data: lines } = useLines();
  const { data: attention } = useAttention();
  const rates = useRates(status);
  return (
    <>
      <HealthHead
        status={status}
        series={series}
        attention={attention}
        lanes={lines?.locations ?? null}
        range={range}
        ranges={RANGES}
        onRange={(next) => set({ range: next === '15m' ? null : next })}
      />
      <section className="panel" aria-label="Throughput">
        <div className="reg">
          {series === undefined ? (
            <div className="strips" />
          ) : (
            <Strips series={series} inDoubt={status.inDoubt ?? 0} />
          )}
          <Stats status={status} series={series} attention={attention} lines={lines} />
        </div>
      </section>
      <div className="cols" style={{ gridTemplateColumns: 'minmax(0,1fr) 452px' }}>
        {lines !== undefined && <LinesPanel lines={lines} partitions={status.partitions} rates={rates} />}
        {attention !== undefined && <NeedsAttention attention={attention} status={status} />}
      </div>
      <div
        className="cols"
        style={{ gridTemplateColumns: me?.lab === true ? 'minmax(0,1fr) minmax(0,1fr)' : '1fr' }}
      >
        <WorkersPanel status={status} rates={rates} />
        {me?.lab === true && <LabPanel />}
      </div>
    </>
  );
}
