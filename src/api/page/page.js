/*
 * The live status page: asks /v1/status and /v1/locations each second and draws what they say.
 * "As of" is the ledger's time of the data, always visible; data older than 5 s is called stale.
 */
const REFRESH_MS = 1000;
const STALE_MS = 5000;
/** Five minutes of points in the strips. */
const POINTS_MAX = 300;
const LOCATIONS_SHOWN = 60;
const MARKS = {
  executing: '▬',
  in_doubt: '◇',
  held: '!',
  reversing: '↩',
  received: '…',
  clear: '–',
  paused: 'ǁ',
  completed: '✓',
  rolled_back: '↶',
  alive: '●',
  lost: '○',
  draining: '◐',
};
const HARM = [
  'held',
  'in_doubt',
  'reversing',
  'paused',
  'executing',
  'received',
  'completed',
  'rolled_back',
  'clear',
];

const byId = (id) => document.getElementById(id);
const points = [];
let paused = false;
let status = null;
let locations = null;
let failure = null;
let goodAt = 0;
/** Server's clock minus ours, ms: ages count by the server's time. */
let skew = 0;

const stored = {
  get: (key) => {
    try {
      return sessionStorage.getItem(key) ?? localStorage.getItem(key);
    } catch {
      return null;
    }
  },
};
const theme = stored.get('signalbox-theme');
if (theme) document.documentElement.dataset.theme = theme;

function element(tag, { className = '', text = '', title = '', mark } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== '') made.textContent = text;
  if (title) made.title = title;
  if (mark) made.dataset.mark = mark;
  made.append(...children);
  return made;
}

const number = (value) =>
  value === null || value === undefined ? '–' : Number(value).toLocaleString('en-US');
const time = (iso) => (iso ? `${iso.slice(11, 19)} UTC` : 'never');

function span(ms) {
  if (!Number.isFinite(ms) || ms < 0) return '–';
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
}

const serverNow = () => Date.now() + skew;
const ageOf = (iso) => serverNow() - Date.parse(iso);

function state(name) {
  return element('span', {
    className: `st st-${name}`,
    text: name.replace('_', ' '),
    mark: MARKS[name] ?? '·',
  });
}

async function ask(path) {
  const token = stored.get('signalbox-token');
  const answer = await fetch(path, {
    headers: token ? { authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(4000),
  });
  if (answer.ok) return answer.json();
  const body = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(body.title ?? `status ${answer.status}`), {
    code: body.code,
    status: answer.status,
  });
}

async function refresh() {
  if (!paused) {
    try {
      status = await ask('/v1/status');
      failure = null;
      goodAt = Date.now();
      skew = Date.parse(status.time) - goodAt;
      note(status);
    } catch (error) {
      failure = error;
    }
    await refreshLocations();
  }
  draw();
  setTimeout(refresh, REFRESH_MS);
}

async function refreshLocations() {
  try {
    locations = (await ask('/v1/locations?limit=500')).locations;
    byId('token-form').hidden = true;
  } catch (error) {
    locations = null;
    byId('token-form').hidden = error.status !== 401 && error.status !== 403;
  }
}

function note({ completed, rolledBack, inDoubt, asOf, ledger }) {
  if (completed === null || ledger !== 'reachable') return;
  if (points.at(-1)?.at === Date.parse(asOf)) return;
  points.push({ at: Date.parse(asOf), completed, rolledBack, inDoubt });
  if (points.length > POINTS_MAX) points.shift();
}

function draw() {
  drawLive();
  if (status === null) return;
  drawHealth();
  drawStats();
  drawStrips();
  drawProof();
  drawLocations();
  drawPartitions();
  drawWorkers();
}

function drawLive() {
  const old = status?.asOf ? ageOf(status.asOf) : Number.POSITIVE_INFINITY;
  const stale = failure !== null || status?.ledger === 'unreachable' || old > STALE_MS;
  const name = paused ? 'paused' : status === null && failure === null ? 'waiting' : stale ? 'stale' : 'live';
  byId('live').dataset.state = name;
  byId('live-word').textContent = { paused: 'Paused', waiting: 'Connecting', stale: 'Stale', live: 'Live' }[
    name
  ];
  const age = name === 'stale' && Number.isFinite(old) ? `, ${span(old)} ago` : '';
  byId('as-of').textContent = status ? `as of ${time(status.asOf)}${age}` : '';
}

function drawHealth() {
  const sentence = byId('sentence');
  const { lit, parts } = healthOf();
  byId('lamps').dataset.lit = lit;
  const key = parts.map((part) => part.join('|')).join('');
  if (sentence.dataset.key !== key) {
    sentence.dataset.key = key;
    sentence.replaceChildren(
      ...parts.map(([className, text]) => element(className ? 'b' : 'span', { className, text })),
    );
  }
  byId('where').textContent = status.demo ? 'demo' : '';
  byId('beside').textContent =
    `Topic ${status.topic}, group ${status.group}: ${number(status.completed)} completed, ` +
    `${number(status.rolledBack)} rolled back, ${number(status.deadLetters)} dead letters, ` +
    `${number(status.duplicates)} duplicates dropped since the beginning.`;
}

function healthOf() {
  if (failure !== null) {
    const since = goodAt ? ` for ${span(Date.now() - goodAt)}` : '';
    return {
      lit: 'red',
      parts: [
        ['r', `This process has not answered${since}.`],
        ['', ' Below is the last it said.'],
      ],
    };
  }
  if (status.ledger === 'unreachable') {
    const code = status.ledgerProblem?.code ?? 'SB-2001';
    return {
      lit: 'red',
      parts: [
        ['r', `The ledger cannot be reached since ${time(status.since)} (${code}).`],
        ['', ' Nothing begins; below are the last known counts.'],
      ],
    };
  }
  const alive = status.workers.filter((worker) => worker.alive).length;
  if (status.held > 0)
    return {
      lit: 'red',
      parts: [
        ['r', `${count(status.held, 'transaction waits', 'transactions wait')} for a person.`],
        ['', ' The other lanes are not affected.'],
      ],
    };
  if (alive === 0)
    return {
      lit: 'red',
      parts: [
        ['r', 'No worker is alive.'],
        ['', ' Transactions wait on the topic.'],
      ],
    };
  if (status.inDoubt > 0)
    return {
      lit: 'amber',
      parts: [
        ['a', `${count(status.inDoubt, 'is', 'are')} in doubt`],
        ['', ' and being asked; the other lanes are not affected.'],
      ],
    };
  const missing = status.workers.length - alive;
  if (missing > 0)
    return {
      lit: 'amber',
      parts: [
        ['a', `${count(missing, 'worker has', 'workers have')} not been heard of for 10 s;`],
        ['', ` the others go on.`],
      ],
    };
  const clear = status.executing + status.waiting === 0 && status.completed + status.rolledBack === 0;
  return {
    lit: 'green',
    parts: [['', clear ? 'The line is clear. No record has arrived yet.' : 'All clear: every lane moves.']],
  };
}

const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

function drawStats() {
  const lag = status.partitions.reduce((sum, { lag: each }) => (each === null ? sum : sum + each), 0);
  const rows = [
    ['Held', status.held, 'needs a person', status.held > 0 ? 'lit-held' : ''],
    ['In doubt', status.inDoubt, 'being asked', status.inDoubt > 0 ? 'lit-doubt' : ''],
    ['Executing', status.executing, 'in a slot now', ''],
    ['Waiting', status.waiting, 'for their lane', ''],
    ['Parked', status.parked, 'in the ledger', ''],
    ['Reversing', status.reversing, 'being undone', ''],
    ['Completed', status.completed, 'since the beginning', ''],
    ['Rolled back', status.rolledBack, 'since the beginning', ''],
    ['Lag', lag, `records, ${count(status.partitions.length, 'partition', 'partitions')}`, ''],
  ];
  byId('stats').replaceChildren(
    ...rows.map(([label, value, below, lit]) =>
      element(
        'div',
        { className: `stat ${lit}` },
        element('span', { className: 'l', text: label }),
        element('span', { className: 'v', text: number(value) }),
        element('span', { className: 's', text: below }),
      ),
    ),
  );
}

function drawStrips() {
  const rate = (field) =>
    points.slice(1).map((point, index) => {
      const before = points[index];
      return Math.max(0, (point[field] - before[field]) / Math.max(0.2, (point.at - before.at) / 1000));
    });
  byId('strips').replaceChildren(
    strip('completed', 'completed', rate('completed'), '/s'),
    strip('rolled_back', 'rolled back', rate('rolledBack'), '/s'),
    strip(
      'in_doubt',
      'in doubt',
      points.map((point) => point.inDoubt),
      'now',
    ),
    element('p', { className: 'axis', text: 'the last five minutes, as this page saw them' }),
  );
}

function strip(name, label, values, unit) {
  const recent = unit === 'now' ? values.slice(-1) : values.slice(-10);
  const now = recent.length === 0 ? null : recent.reduce((sum, value) => sum + value, 0) / recent.length;
  const shown = now === null ? '–' : unit === 'now' ? number(now) : now.toFixed(1);
  const drawing = chart(values);
  drawing.setAttribute('aria-label', `${label}, now ${shown} ${unit === 'now' ? '' : 'per second'}`);
  return element(
    'div',
    { className: 'strip' },
    element('span', { className: `st st-${name}`, text: label, mark: MARKS[name] }),
    element('span', { className: `st-${name}` }, drawing),
    element('span', { className: 'v', text: `${shown} ` }, element('small', { text: unit })),
  );
}

function chart(values) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 300 100');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  const add = (className, d) => {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('class', className);
    path.setAttribute('d', d);
    svg.append(path);
  };
  add('ground', 'M0 100H300');
  if (values.length > 1) {
    const top = Math.max(1, ...values) * 1.1;
    const first = POINTS_MAX - values.length;
    const line = values
      .map((value, index) => `${first + index} ${(100 - (100 * value) / top).toFixed(1)}`)
      .join('L');
    add('area', `M${first} 100L${line}L${POINTS_MAX - 1} 100Z`);
    add('curve', `M${line}`);
  }
  return svg;
}

function drawProof() {
  const { demo } = status;
  byId('proof-panel').hidden = !demo;
  if (!demo) return;
  const rows = [
    ['Overlaps', demo.overlaps, demo.checkedEffects, 'two effects at once at one location'],
    ['Lost', demo.lost, demo.checkedRecords, 'records neither open nor ended'],
    ['Double effects', demo.doubled, demo.checkedEffects, 'one step effected twice'],
  ];
  byId('proof').replaceChildren(
    ...rows.map(([label, value, checked, about]) => {
      const nothing = !checked || value === null;
      const className = nothing ? 'z nothing' : value > 0 ? 'z bad' : 'z';
      return element(
        'div',
        {},
        element('div', { className, text: nothing ? 'nothing checked' : number(value) }),
        element('div', { className: 'l', text: label }),
        element('div', { className: 's', text: `${about}; ${number(checked ?? 0)} checked` }),
      );
    }),
  );
}

/** Nothing moves under the cursor: a table that is hovered or holds the focus keeps its rows. */
function rows(id, made, nothing, columns) {
  const body = byId(id);
  if (body.matches(':hover') && body.childElementCount > 1) return;
  if (made.length > 0) return body.replaceChildren(...made);
  const cell = element('td', { className: 'none', text: nothing });
  cell.colSpan = columns;
  body.replaceChildren(element('tr', {}, cell));
}

const cells = (...contents) =>
  element(
    'tr',
    {},
    ...contents.map((content) =>
      content instanceof Node ? element('td', {}, content) : element('td', content),
    ),
  );
const numeric = (value) => ({ className: 'num', text: number(value) });

function drawLocations() {
  if (locations === null)
    return rows('locations', [], 'Not available: a token is needed, or the ledger is away.', 5);
  const shownState = (location) => (location.paused ? 'paused' : location.state);
  const open = locations.filter((each) => each.holders > 0 || each.waiting > 0 || each.paused);
  open.sort(
    (a, b) =>
      HARM.indexOf(shownState(a)) - HARM.indexOf(shownState(b)) ||
      b.waiting - a.waiting ||
      (a.location < b.location ? -1 : 1),
  );
  byId('att-sub').textContent =
    `${open.length} open, worst first${open.length > LOCATIONS_SHOWN ? `, ${LOCATIONS_SHOWN} shown` : ''}`;
  rows(
    'locations',
    open
      .slice(0, LOCATIONS_SHOWN)
      .map((each) =>
        cells(
          { className: 'mono', text: each.location },
          state(shownState(each)),
          { className: 'num', text: `${each.holders}/${each.concurrency}` },
          numeric(each.waiting),
          { className: 'num', text: each.since ? span(ageOf(each.since)) : '–', title: each.since ?? '' },
        ),
      ),
    'No location is open.',
    5,
  );
}

function drawPartitions() {
  rows(
    'partitions',
    status.partitions.map((each) =>
      cells(
        { className: 'mono', text: `P${String(each.partition).padStart(2, '0')}` },
        { text: each.owner ?? 'nobody yet' },
        numeric(each.epoch),
        numeric(each.watermark),
        numeric(each.lag),
        {
          className: 'num',
          text: `${number(each.published)} of ${number(each.lastNumber)}`,
          title: 'acknowledged by the log, of those numbered',
        },
      ),
    ),
    'No partition was taken over yet.',
    6,
  );
}

function drawWorkers() {
  const alive = status.workers.filter((worker) => worker.alive).length;
  byId('workers-sub').textContent =
    `${alive} of ${status.workers.length} alive, heartbeat every 1 s, lost after 10 s`;
  rows(
    'workers',
    status.workers.map((each) =>
      cells(
        { className: 'mono', text: each.worker },
        state(!each.alive ? 'lost' : each.draining ? 'draining' : 'alive'),
        { text: `${span(Math.max(0, ageOf(each.heartbeatAt)))} ago`, title: each.heartbeatAt },
        { className: 'mono', text: each.partitions.join(' ') || '–' },
        numeric(each.lanes),
        numeric(each.waiting),
        { className: 'num', text: `${Math.round(each.rssBytes / 1048576)} MB` },
        { text: each.version },
      ),
    ),
    'No worker has reported yet.',
    8,
  );
}

function togglePause() {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  byId('pause').textContent = paused ? 'Resume' : 'Pause';
  drawLive();
}

byId('pause').addEventListener('click', togglePause);
document.addEventListener('keydown', (event) => {
  if (event.key === 'p' && !(event.target instanceof HTMLInputElement)) togglePause();
});
byId('theme').addEventListener('click', () => {
  const dark =
    getComputedStyle(document.documentElement).colorScheme === 'dark' ||
    (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
  const next = dark ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem('signalbox-theme', next);
  } catch {}
});
byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  try {
    sessionStorage.setItem('signalbox-token', byId('token').value);
  } catch {}
  byId('token').value = '';
});
refresh();
