/**
 * Keyed concurrency in one process: at most one function at a time for each account, accounts side by side.
 *
 *   node examples/01-lanes/main.ts
 */
import { Lanes } from 'signalbox/lanes';

const balances = new Map<string, number>([
  ['ann', 100],
  ['bob', 50],
]);

/** Reads, waits as a database would let one wait, writes: without lanes two of these lose an update. */
async function add(account: string, amount: number): Promise<number> {
  const before = balances.get(account) ?? 0;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
  balances.set(account, before + amount);
  return before + amount;
}

const lanes = new Lanes({ waitingMaxOfKey: 1_000 });
const changes = Array.from({ length: 200 }, (_, index) => ({
  account: index % 2 === 0 ? 'ann' : 'bob',
  amount: 1,
}));
await Promise.all(changes.map(({ account, amount }) => lanes.run(account, () => add(account, amount))));
console.log(Object.fromEntries(balances)); // { ann: 200, bob: 150 }

// Each result as it comes, reading on only as far as there is room; leaving the loop aborts what was begun.
let taken = 0;
for await (const balance of lanes.map(
  changes,
  ({ account }) => account,
  ({ account }) => add(account, -1),
)) {
  taken += 1;
  if (balance < 60) break;
}
console.log(`${taken} taken, ${lanes.size} keys left in memory`);
