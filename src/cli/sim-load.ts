/** Reads the configuration whose plans are simulated: its file and the environment, as every command does. */
import { loadConfig } from '../config/load-config.ts';
import { type SimPlans, simPlans } from './sim-plans.ts';
import type { SimWork } from './sim-work.ts';

/** Null: the plans of the simulator's own. */
export async function loadPlans({
  config,
  folder,
}: Pick<SimWork, 'config' | 'folder'>): Promise<SimPlans | null> {
  if (config === null) return null;
  return simPlans(await loadConfig({ environment: process.env, folder, file: config, pid: process.pid }));
}
