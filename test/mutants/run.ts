/** Plants one defect in a process of its own and hunts for it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Mutant } from './mutants.ts';

export interface Hunted {
  readonly mutant: Mutant;
  /** Null: no world showed it. */
  readonly caught: { readonly seed: number; readonly violation: string } | null;
  readonly seconds: number;
}

/** A world that never ends is not caught: checkers must see what a defect does. */
const TIME_MS = 120_000;

/** Seeds that showed the mutants, by name. */
export const SEEDS_FILE = join(import.meta.dirname, 'seeds.json');

interface Seeds {
  readonly seedsMax: number;
  /** Tried before all others. */
  readonly first: number;
}

export function hunt(mutant: Mutant, { seedsMax, first }: Seeds): Promise<Hunted> {
  const started = performance.now();
  const args = ['--import', join(import.meta.dirname, 'patch.ts'), join(import.meta.dirname, 'hunt.ts')];
  const env = {
    ...process.env,
    SIGNALBOX_MUTANT: mutant.name,
    SIGNALBOX_MUTANT_SEEDS: `${seedsMax}`,
    SIGNALBOX_MUTANT_FIRST: `${first}`,
  };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIME_MS);
    let said = '';
    let errors = '';
    child.stdout.on('data', (piece) => {
      said += piece;
    });
    child.stderr.on('data', (piece) => {
      errors += piece;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      const seconds = (performance.now() - started) / 1_000;
      if (code !== 0)
        return reject(new Error(`${mutant.name}: ${code ?? 'no end'}\n${errors.slice(0, 2_000)}`));
      resolve({ mutant, caught: JSON.parse(said.trim().split('\n').at(-1) ?? 'null'), seconds });
    });
  });
}

/** So many at a time; in the order given. */
export async function huntAll(
  mutants: readonly Mutant[],
  {
    seedsMax,
    firstOf,
    atOnce,
    done,
  }: {
    seedsMax: number;
    firstOf: (mutant: Mutant) => number;
    atOnce: number;
    done: (hunted: Hunted) => void;
  },
): Promise<Hunted[]> {
  const left = [...mutants.entries()];
  const found: Hunted[] = [];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, mutant] = next;
      const hunted = await hunt(mutant, { seedsMax, first: firstOf(mutant) });
      found[index] = hunted;
      done(hunted);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found;
}
