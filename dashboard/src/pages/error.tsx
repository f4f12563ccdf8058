/** The page of one error code. */
import { Link } from 'wouter';
import { useErrors } from '../api/queries.ts';
import { useTitle } from '../parts/title.ts';

export function ErrorPage({ code }: { readonly code: string }) {
  useTitle(code);
  const { data } = useErrors();
  const entry = data?.errors.find((each) => each.code === code);
  if (data === undefined) return <p className="dim">…</p>;
  return (
    <div className="lone">
      <p className="err">{code}</p>
      <h1 className="big">{entry?.cause ?? 'There is no such code.'}</h1>
      {entry !== undefined && <p className="lede">{entry.remedy}</p>}
      <p>
        <Link className="btn" href={`/transactions?q=code:${code}`}>
          Transactions with it
        </Link>
      </p>
    </div>
  );
}
