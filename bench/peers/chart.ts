/** A bar for each peer, as SVG that reads on light and on dark ground. */
import { number, type Table } from './tables.ts';

const WIDTH = 760;
const ROW = 26;
const LABEL = 250;
const VALUE = 110;
const TOP = 34;

export function chartOf({ work, what, bars, unit }: Table, ours: (peer: string) => boolean): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const room = WIDTH - LABEL - VALUE;
  const rows = bars.map(({ peer, value }, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(1, Math.round((room * value) / most));
    return `<text x="${LABEL - 8}" y="${y + 15}" text-anchor="end">${escaped(peer)}</text>
<rect class="${ours(peer) ? 'ours' : 'peer'}" x="${LABEL}" y="${y + 3}" width="${width}" height="${ROW - 8}" rx="2"/>
<text x="${LABEL + width + 6}" y="${y + 15}">${number(value)}</text>`;
  });
  const title = `${work}: ${what}; ${unit}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + bars.length * ROW + 8}" role="img">
<title>${escaped(title)}</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #333 } .head { font-weight: 600 }
.peer { fill: #9aa3ad } .ours { fill: #1f6feb }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .peer { fill: #6b7480 } }
</style>
<text class="head" x="8" y="18">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
