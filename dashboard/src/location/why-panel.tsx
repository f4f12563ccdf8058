/** Why is it waiting? One sentence, and the way: who waits, who holds, because of what, freed by what. */
import type { LocationPage, Why } from '../api/types.ts';
import { Age, Code, Copy, TransactionLink, Until } from '../parts/bits.tsx';
import { Icon } from '../parts/icons.tsx';
import { lookOf, StateLamp } from '../parts/states.tsx';
import { plural, sums } from '../parts/words.ts';

export function WhyPanel({ why, page }: { readonly why: Why; readonly page: LocationPage }) {
  const holder = why.holders.find(({ state }) => state !== 'executing') ?? why.holders[0];
  const waiting = why.parked + (why.waitingInMemory ?? 0);
  const quiet = waiting === 0 && (holder === undefined || holder.state === 'executing') && !why.paused;
  const look = holder === undefined ? null : lookOf(holder.state);
  const command = `signalbox why ${why.location}`;
  return (
    <section className={`panel ${quiet ? '' : 'why'}`} aria-labelledby="why-h">
      <div className="ph">
        {look !== null && (
          <span className={`st ${look.className}`}>
            <Icon name={look.icon} />
          </span>
        )}
        <h2 id="why-h">{quiet ? 'Nothing blocks it' : 'Why is it waiting?'}</h2>
        <span className="grow" />
        <span className="sub mono hide-s">{command}</span>
        <Copy text={command} />
      </div>
      <div className="pb">
        <p className="say">
          {why.cause} {why.next}
        </p>
        <ol className="route">
          <li>
            <p className="h">waits</p>
            <p className="x">{waiting === 0 ? 'nothing' : plural(waiting, 'transaction')}</p>
            <p className="y">
              {why.parkedSince === null ? (
                'nothing is parked'
              ) : (
                <>
                  oldest <Age since={why.parkedSince} />,{' '}
                  {sums(page.queue.map(({ money }) => money)) || 'in record order'}
                </>
              )}
            </p>
          </li>
          <li className={holder === undefined ? '' : 'sq'}>
            <p className="h">
              holds{' '}
              {why.concurrency === 1 ? 'the only slot' : `${why.holders.length} of ${why.concurrency} slots`}
            </p>
            {holder === undefined ? (
              <>
                <p className="x">{why.paused ? 'nobody: paused' : 'nobody'}</p>
                <p className="y">
                  {why.last === null ? (
                    'nothing has ended here yet'
                  ) : (
                    <>
                      last ended <Age since={why.last.finishedAt} ago />
                    </>
                  )}
                </p>
              </>
            ) : (
              <>
                <p className="x">
                  <TransactionLink id={holder.id} />, step {holder.step}
                </p>
                <p className="y">
                  since <Age since={holder.since} />, token {holder.token}
                </p>
              </>
            )}
          </li>
          <li className={holder === undefined || holder.state === 'executing' ? '' : 'on'}>
            <p className="h">because</p>
            <p className="x">
              {holder === undefined ? '–' : <StateLamp state={holder.state} />}{' '}
              {holder?.code != null && <Code code={holder.code} />}
            </p>
            <p className="y">
              {holder === undefined ? '' : (holder.detail ?? plural(holder.attempts, 'attempt'))}
            </p>
          </li>
          <li>
            <p className="h">freed by</p>
            <p className="x">{why.exit}</p>
            <p className="y">
              {holder?.nextAttemptAt != null && (
                <>
                  next try <Until at={holder.nextAttemptAt} />
                </>
              )}
            </p>
          </li>
        </ol>
      </div>
    </section>
  );
}
