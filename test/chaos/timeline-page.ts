/** A story as one self-contained page: time runs down, each voice has its column, the named transaction stands out. */
import { type Moment, type Story, VOICES } from './story.ts';

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --mark: #d33; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
h1 { font-size: 1.2rem; } p.violation { color: var(--mark); font-weight: 600; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
thead th { position: sticky; top: 0; background: Canvas; }
th:first-child, td:first-child { width: 8rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.gap td { border-top: 2px dashed var(--line); } td.named { border-left: 3px solid var(--mark); }
td.fault { font-weight: 600; }`;

/** A wait this long is shown as a gap. */
const GAP_MS = 1_000;

/** HTML, UTF-8. `named`: ids that the violation tells of. */
export function timelinePage({ subject, violation, moments }: Story, seed: number): string {
  const first = moments[0]?.atMs ?? 0;
  const rows = moments.map((moment, index) => {
    const before = moments[index - 1]?.atMs ?? moment.atMs;
    return rowOf(moment, { sinceMs: moment.atMs - first, gap: moment.atMs - before >= GAP_MS, violation });
  });
  const started = new Date(first).toISOString();
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(subject)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(subject)}</h1>
<p class="violation">${escaped(violation)}</p>
<p>Seed ${seed}. ${moments.length} moments; times are seconds since ${started}.</p>
<table><thead><tr><th scope="col">time</th>${VOICES.map((voice) => `<th scope="col">${voice}</th>`).join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></body></html>
`;
}

function rowOf(
  { voice, text, id }: Moment,
  {
    sinceMs,
    gap,
    violation,
  }: { readonly sinceMs: number; readonly gap: boolean; readonly violation: string },
): string {
  const named = id !== null && violation.includes(id) ? ' named' : '';
  const cells = VOICES.map((column) =>
    column === voice ? `<td class="${voice}${named}">${escaped(text)}</td>` : '<td></td>',
  );
  return `<tr${gap ? ' class="gap"' : ''}><td>${(sinceMs / 1000).toFixed(3)}</td>${cells.join('')}</tr>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
