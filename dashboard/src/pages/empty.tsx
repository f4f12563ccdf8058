/** Before the first record: who listens, and how to send one. */
import type { Status } from '../api/types.ts';
import { Command, Panel } from '../parts/bits.tsx';
import { Icon } from '../parts/icons.tsx';
import { plural } from '../parts/words.ts';

const RECORD = `{ "id": "your-own-id", "type": "withdraw",
  "data": { "amount": 12000, "currency": "EUR" } }`;

export function EmptyPage({ status }: { readonly status: Status }) {
  const owned = status.workers.filter(({ alive }) => alive);
  return (
    <div className="lone">
      <div>
        <div className="st st-clear">
          <Icon name="clear" />
          all clear
        </div>
        <h1 className="big">The line is clear. No record has arrived yet.</h1>
        <p className="lede">
          {owned.length === 0
            ? 'No worker is alive yet.'
            : `${owned.map(({ worker }) => worker).join(', ')} own ${plural(status.partitions.length, 'partition')} of ${status.topic} and listen.`}{' '}
          A location appears here the first time its key does; there is nothing to register.
        </p>
      </div>
      <Panel title="Send the first one">
        <div className="pb stack">
          <div className="stepn">
            <b>1</b>
            <div>
              <span>From this machine</span>
              <Command text={'npx signalbox send ATM-0001 withdraw \'{"amount":12000,"currency":"EUR"}\''} />
            </div>
          </div>
          <div className="stepn">
            <b>2</b>
            <div>
              <span>From your producer: key = location, value = this JSON</span>
              <pre className="code">{RECORD}</pre>
            </div>
          </div>
          <div className="stepn">
            <b>3</b>
            <div>
              <span>Or watch it with simulated machines and break things</span>
              <Command text="npx signalbox demo" />
            </div>
          </div>
        </div>
      </Panel>
    </div>
  );
}
