/** What works, but will need a person one day: said at start and by `signalbox doctor`. */
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Config } from './config.ts';

/** SB-5010 for each irreversible step that comes before one that can refuse: that refusal is held. */
export function planWarnings({ types }: Pick<Config, 'types'>): SignalboxError[] {
  return Object.entries(types ?? {}).flatMap(([type, { version, steps }]) => {
    const irreversible = steps.findIndex((step) => step.irreversible);
    const refusing = steps.findLastIndex((step) => step.canRefuse);
    const [first, last] = [steps[irreversible], steps[refusing]];
    if (first === undefined || last === undefined || refusing <= irreversible) return [];
    return [new SignalboxError('SB-5010', `${type} version ${version}: ${first.name} before ${last.name}`)];
  });
}
