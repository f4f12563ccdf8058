/** What waits at the location, in record order. */
import { useState } from 'react';
import type { Item, LocationPage, Why } from '../api/types.ts';
import { Age, Panel, TransactionLink, Until } from '../parts/bits.tsx';
import { StateLamp } from '../parts/states.tsx';
import { count, money, plural } from '../parts/words.ts';
import { DecideDialog } from '../shell/decide-dialog.tsx';
import { ActButton } from '../shell/role.tsx';

export function QueuePanel({ why, page }: { readonly why: Why; readonly page: LocationPage }) {
  const [cancelling, setCancelling] = useState<Item | null>(null);
  const holders = page.recent.filter(({ finishedAt }) => finishedAt === null);
  const inMemory = why.waitingInMemory ?? 0;
  return (
    <Panel title="Queue" sub={`${plural(why.parked, 'parked transaction')} in record order`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <div className="scroll-x scroll-y" role="region" aria-label="Queue, in record order" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th className="num">#</th>
              <th>Transaction</th>
              <th>State</th>
              <th>Type</th>
              <th className="num">Amount</th>
              <th className="num">Waits</th>
              <th className="num">Offset</th>
              <th>Deadline</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {holders.map((item) => (
              <QueueRow key={item.id} item={item} place={0} />
            ))}
            {page.queue.map((item, index) => (
              <QueueRow key={item.id} item={item} place={index + 1} onCancel={() => setCancelling(item)} />
            ))}
          </tbody>
        </table>
        {holders.length + page.queue.length === 0 && (
          <p className="pb dim">Nothing holds it and nothing is parked.</p>
        )}
        {why.parked > page.queue.length && (
          <p className="pb dim">and {count(why.parked - page.queue.length)} more</p>
        )}
        {inMemory > 0 && (
          <p className="pb dim">
            {plural(inMemory, 'record')} more in the memory of {why.owner}, as of its last heartbeat: not
            listed one by one.
          </p>
        )}
      </div>
      {cancelling !== null && (
        <DecideDialog
          about={{ ...cancelling, acts: [{ action: 'cancel', consequence: CANCEL, not: null }] }}
          only="cancel"
          onClose={() => setCancelling(null)}
        />
      )}
    </Panel>
  );
}

const CANCEL = 'It will not begin, and is rolled back with that reason. What waits behind it moves up.';

function QueueRow({
  item,
  place,
  onCancel,
}: {
  readonly item: Item;
  readonly place: number;
  readonly onCancel?: () => void;
}) {
  return (
    <tr>
      <td className="num dim">{place}</td>
      <td>
        <TransactionLink id={item.id} />
      </td>
      <td>
        <StateLamp state={item.state} />
      </td>
      <td>{item.type}</td>
      <td className="num">{item.money === null ? '–' : money(item.money)}</td>
      <td className="num">
        <Age since={item.parkedAt ?? item.recordAt} />
      </td>
      <td className="num mono">{count(item.offset)}</td>
      <td className="mut">{item.deadline === null ? '–' : <Until at={item.deadline} />}</td>
      <td className="num">
        {onCancel !== undefined && (
          <ActButton className="sm" onAct={onCancel}>
            Cancel…
          </ActButton>
        )}
      </td>
    </tr>
  );
}
