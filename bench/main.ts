/** `npm run bench -- <name> [options]`: each bench is a program of its own, run on the Node that runs this. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHES: Readonly<Record<string, string>> = {
  durable: 'the whole job: Kafka, Postgres with fsync, one worker, a participant without delay',
  parking: 'a stuck location with a deep line: rate of the others, memory; a backlog that moves',
  ledger: 'ledger commits alone',
  parts: 'what parts of consumer, results and ledger cost, each beside the same without it',
  growth: 'commits at many locations and beside parked rows; start and reads over many finals',
  scale: 'what 10,000, 100,000 and 1,000,000 transactions a second need, on paper',
  fetch: 'fetch and parse alone',
  lanes: 'keyed concurrency in one process, beside p-limit, async-mutex, async-sema and Bottleneck',
  peers: 'the consumer and the durable worker beside what one would otherwise pick',
  regression: 'hot paths as ratios to fixed baselines, below a minute; fails on a fall of more than 30 %',
};

const [name = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(BENCHES, name)) {
  const lines = Object.entries(BENCHES).map(([bench, what]) => `  ${bench.padEnd(10)} ${what}`);
  console.error(`npm run bench -- <name> [options]\n${lines.join('\n')}`);
  process.exit(64);
}
const script = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
process.exit(status ?? 1);
