// Probes of section A, marks [PG]. npm i pg; DATABASE_URL=postgres://... node postgres-probe.mjs (drops tables tx and partitions: scratch database only)
import pg from 'pg';

const C = async () => {
  const c = new pg.Client(process.env.DATABASE_URL);
  await c.connect();
  return c;
}; // an empty scratch database
const [a, b, c] = [await C(), await C(), await C()];
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const reset = () =>
  a.query(`drop table if exists tx, partitions cascade; create table partitions(p int primary key, epoch int, published int default 0); insert into partitions values (1,1),(2,1);
 create table tx(id text primary key, p int, loc text, slot int, st text, data jsonb, evidence text);
 create unique index holder on tx(loc,slot) where st in ('executing','doubt','reversing','held');`);
// E1
for (const mode of ['one CTE', 'two statements RC', 'two statements RR']) {
  await reset();
  await a.query('begin');
  await a.query('select epoch from partitions where p=1 for share');
  await a.query(`insert into tx values('a',1,'L',1,'executing')`);
  let res;
  const take = (async () => {
    try {
      if (mode === 'one CTE')
        res = (
          await b.query(
            `with up as (update partitions set epoch=epoch+1 where p=1 returning p) select t.id from tx t join up using(p) where t.st='executing'`,
          )
        ).rows;
      else {
        await b.query(mode.endsWith('RR') ? 'begin isolation level repeatable read' : 'begin');
        await b.query('update partitions set epoch=epoch+1 where p=1');
        res = (await b.query(`select id from tx where p=1 and st='executing'`)).rows;
        await b.query('commit');
      }
    } catch (e) {
      res = `ERR ${e.code} ${e.message}`;
      await b.query('rollback');
    }
  })();
  await sleep(300);
  await a.query('commit');
  await take;
  console.log('E1', mode, '-> open rows seen', JSON.stringify(res));
}
// E1b CTE that updates open rows in the same statement
await reset();
await a.query('begin');
await a.query('select epoch from partitions where p=1 for share');
await a.query(`insert into tx values('a',1,'L',1,'executing')`);
{
  const t = b.query(
    `with up as (update partitions set epoch=epoch+1 where p=1 returning p) update tx set st='doubt' from up where tx.p=up.p and tx.st='executing' returning id`,
  );
  await sleep(200);
  await a.query('commit');
  console.log(
    'E1b one statement update ->',
    JSON.stringify((await t).rows),
    (await a.query('select id,st from tx')).rows,
  );
}
// E2 busy location in a grouped begin
await reset();
await a.query(
  `insert into tx values('x',1,'L',1,'executing'),('y',2,'L',null,'received'),('z',2,'K',null,'received')`,
);
try {
  await b.query(`update tx set st='executing', slot=1 where id in ('y','z')`);
  console.log('E2 ok');
} catch (e) {
  console.log(
    'E2 grouped begin by UPDATE:',
    e.code,
    e.message,
    (await a.query(`select id,st from tx order by 1`)).rows.map((r) => `${r.id}=${r.st}`).join(' '),
  );
}
console.log(
  'E2b insert on conflict do nothing (no target):',
  (
    await b.query(
      `insert into tx values('v',2,'L',1,'executing'),('u',2,'M',1,'executing') on conflict do nothing returning id`,
    )
  ).rows.map((r) => r.id),
);
// E3 poison values
for (const [n, v] of [
  ['NUL escape', '{"a":"\\u0000"}'],
  ['lone surrogate', '{"a":"\\ud800"}'],
  ['huge exponent', '{"a":1e400000}'],
]) {
  try {
    await b.query(`insert into tx(id,p,data) select * from unnest($1::text[],$2::int[],$3::jsonb[])`, [
      [`g1${n}`, `g2${n}`],
      [1, 1],
      ['{}', v],
    ]);
    console.log('E3', n, 'ok');
  } catch (e) {
    console.log('E3 jsonb', n, JSON.stringify(JSON.parse(v)).slice(0, 30), '->', e.code, e.message);
  }
}
try {
  await b.query(`insert into tx(id,p,evidence) values('q',1,$1)`, ['a\u0000b']);
} catch (e) {
  console.log('E3 text NUL ->', e.code, e.message);
}
// E4 read back under way
await reset();
await a.query('begin');
await a.query('select epoch from partitions where p=1 for share');
await a.query(`insert into tx values('a',1,'L',1,'executing')`);
console.log(
  'E4 read back on a new connection while the commit is under way ->',
  (await c.query(`select id from tx where id='a'`)).rowCount,
  'rows',
);
await a.query('commit');
console.log(
  'E4 afterwards ->',
  (await c.query(`select id from tx where id='a'`)).rowCount,
  'rows; retried insert on conflict do nothing ->',
  (await c.query(`insert into tx values('a',1,'L',1,'executing') on conflict do nothing`)).rowCount,
);
// E5 deadlock
await reset();
await a.query('begin');
await a.query('select 1 from partitions where p=1 for share');
await b.query('begin');
await b.query('update partitions set epoch=epoch+1 where p=2');
{
  const x = a.query('select 1 from partitions where p=2 for share').then(
    () => 'ok',
    (e) => `${e.code} ${e.message}`,
  );
  const y = b.query('update partitions set epoch=epoch+1 where p=1').then(
    () => 'ok',
    (e) => `${e.code} ${e.message}`,
  );
  const first = await Promise.race([x.then((r) => ['commit', r]), y.then((r) => ['takeover', r])]);
  console.log('E5', first);
  await (first[0] === 'commit' ? a : b).query('rollback');
  await Promise.all([x, y]);
  await a.query('rollback');
  await b.query('rollback');
}
// E7 published number in the locked row
await reset();
await a.query('begin');
await a.query('update partitions set published=5 where p=1');
await b.query(`set lock_timeout='500ms'`);
console.log(
  'E7 commit while the published number is being written ->',
  await b.query('select epoch from partitions where p=1 for share').then(
    () => 'ok',
    (e) => `${e.code} ${e.message}`,
  ),
);
await a.query('rollback');
await b.query(`set lock_timeout=0`);
// E6 starvation: writers in a loop
for (const n of [1, 2, 4]) {
  await reset();
  let stop = false,
    _commits = 0;
  const ws = await Promise.all(Array.from({ length: n }, C));
  const loops = ws.map(async (w, i) => {
    let k = 0;
    while (!stop) {
      await w.query(
        `with l as (select epoch from partitions where p=1 for share) insert into tx(id,p,st) select $1,1,'done' from l where epoch is not null`,
        [`${i}-${k++}`],
      );
      _commits++;
    }
  });
  await sleep(300);
  const lat = [];
  for (let i = 0; i < 30; i++) {
    const t = performance.now();
    await c.query(`set statement_timeout=10000`);
    await c.query('update partitions set epoch=epoch+1 where p=1').catch((e) => console.log(e.message));
    lat.push(performance.now() - t);
    await sleep(20);
  }
  stop = true;
  await Promise.all(loops);
  for (const w of ws) w.end();
  lat.sort((x, y) => x - y);
  console.log(
    `E6 ${n} committing connections: takeover update p50 ${lat[15].toFixed(1)} ms, max ${lat[29].toFixed(1)} ms`,
  );
}
await Promise.all([a, b, c].map((x) => x.end()));
