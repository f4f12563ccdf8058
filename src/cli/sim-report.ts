/** The report of a simulation: one page of HTML with nothing outside it and no script, in the look of the dashboard. */
import { SOMETIMES } from '../sim/sometimes.ts';
import { type SimOutcome, verdictOf } from './sim-outcome.ts';
import { duration } from './terminal.ts';

const MS_AN_HOUR = 3_600_000;

export function simReport(outcome: SimOutcome, at: Date): string {
  const { ok, totals, failures } = outcome;
  const verdict = verdictOf(outcome);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${verdict} · Signalbox simulation</title>
<style>${STYLE}</style>
</head>
<body>
<header><b>Signalbox</b><span>simulation</span><time datetime="${at.toISOString()}">${at.toISOString().replace('T', ' ').slice(0, 19)} UTC</time></header>
<main>
<h1 class="${ok ? 'go' : 'held'}">${ok ? '✓' : '!'} ${verdict}</h1>
<dl class="stats">${stats(outcome)}</dl>
${[...outcome.notes, ...outcome.unhappened.map((plan) => `never happened: ${plan}`)].map((note) => `<p>${escaped(note)}</p>`).join('\n')}
${failures.map(failure).join('\n')}
${panel('What must be met', 'Situations that the worlds were in', points(outcome))}
${panel('What happened', 'Points that were passed, faults, hand-overs, decisions', counts(totals.happened))}
${panel('What workers told of', 'By code, as people would read it', counts(totals.problems))}
</main>
<footer>${escaped(outcome.machine)} · ${outcome.threads} threads</footer>
</body>
</html>
`;
}

function stats({ totals, tookMs }: SimOutcome): string {
  const seconds = Math.max(0.001, tookMs / 1_000);
  const entries: readonly (readonly [string, string])[] = [
    ['worlds', count(totals.worlds)],
    ['run twice, compared', count(totals.compared)],
    ['transactions', count(totals.transactions)],
    ['completed', count(totals.completed)],
    ['rolled back', count(totals.rolledBack)],
    ['faults', count(totals.faults)],
    ['simulated', `${(totals.virtualMs / MS_AN_HOUR).toFixed(1)} h`],
    ['took', duration(tookMs)],
    ['transactions a second', count(Math.round(totals.transactions / seconds))],
  ];
  return entries.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('');
}

function failure({ command, violations, story }: SimOutcome['failures'][number]): string {
  return `<section class="panel bad"><h2>${escaped(violations[0] ?? '')}</h2>
<pre>${escaped(story.slice(1).join('\n'))}</pre>
<p>Again: <code>${escaped(command)}</code></p></section>`;
}

function points({ totals, neverReached, mustReachAll }: SimOutcome): string {
  const missed = mustReachAll ? '<td class="held">! never</td>' : '<td class="not">not yet</td>';
  const never = new Set(neverReached);
  const rows = SOMETIMES.map((point) => {
    const how = never.has(point) ? missed : '<td class="go">✓ reached</td>';
    return `<tr>${how}<td>${escaped(point)}</td><td class="num">${count(totals.reached[point] ?? 0)}</td></tr>`;
  });
  return `<table><thead><tr><th>State</th><th>Situation</th><th class="num">Times</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function counts(of: Readonly<Record<string, number>>): string {
  const rows = Object.entries(of)
    .sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `<tr><td>${escaped(name)}</td><td class="num">${count(times)}</td></tr>`);
  return `<table><thead><tr><th>What</th><th class="num">Times</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function panel(title: string, about: string, body: string): string {
  return `<section class="panel"><h2>${title} <small>${about}</small></h2>${body}</section>`;
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (found) => ESCAPES[found] ?? found);
}

/** Colours and type are those of the dashboard. */
const STYLE = `
:root { color-scheme: light dark; --bg: light-dark(#f1eee6,#0b1011); --panel: light-dark(#fbf9f4,#121819);
--line: light-dark(#dfd9cb,#222d2e); --ink: light-dark(#171e1d,#ebf1ee); --ink-3: light-dark(#5f6a67,#889792);
--go: light-dark(#0b7350,#5cc99d); --held: light-dark(#bb2318,#ff7668);
--mono: ui-monospace,"SF Mono","JetBrains Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 400 13px/1.45 "Inter",ui-sans-serif,system-ui,sans-serif; font-variant-numeric: tabular-nums; }
header, footer { display: flex; gap: 16px; align-items: center; min-height: 48px; padding: 0 24px; border-bottom: 1px solid var(--line); color: var(--ink-3); }
header b { color: var(--ink); font-size: 15px; } header time { margin-left: auto; }
footer { border: 0; border-top: 1px solid var(--line); font-size: 12px; }
main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 16px; max-width: 1100px; margin: 0 auto; padding: 16px 24px 24px; }
h1 { margin: 0; font-size: 20px; font-weight: 600; } h2 { margin: 0; padding: 10px 16px; font-size: 13px; font-weight: 600; border-bottom: 1px solid var(--line); }
small { margin-left: 8px; font-size: 12px; font-weight: 400; color: var(--ink-3); }
.go { color: var(--go); } .held { color: var(--held); } .not { color: var(--ink-3); }
.stats { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 16px; margin: 0; }
.stats dt { font-size: 12px; color: var(--ink-3); } .stats dd { margin: 0; font-size: 20px; font-weight: 600; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; overflow-wrap: anywhere; }
.bad { border-color: var(--held); } .bad p { padding: 0 16px; }
pre { margin: 0; padding: 12px 16px; white-space: pre-wrap; font: 12px/1.5 var(--mono); } code { font-family: var(--mono); font-size: 12px; }
table { width: 100%; border-collapse: collapse; font-size: 12px; }
th, td { padding: 6px 16px; text-align: left; border-bottom: 1px solid var(--line); } th { font-weight: 500; color: var(--ink-3); }
tbody tr:last-child td { border-bottom: 0; } .num { text-align: right; } td.go, td.held, td.not { white-space: nowrap; width: 1%; }
`;
