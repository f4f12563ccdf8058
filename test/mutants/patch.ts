/**
 * Loaded before everything else (`--import`): changes the source of the one file that the mutant of the environment
 * names, when it is loaded. Throws when its text does not stand there exactly once (M1).
 */
import { registerHooks } from 'node:module';
import { MUTANTS } from './mutants.ts';

const mutant = MUTANTS.find(({ name }) => name === process.env.SIGNALBOX_MUTANT);
if (mutant === undefined) throw new Error(`there is no mutant "${process.env.SIGNALBOX_MUTANT}"`);
const { file, find, replace, name } = mutant;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/src/${file}`)) return loaded;
    const source = String(loaded.source);
    if (source.split(find).length !== 2) throw new Error(`${name}: its text does not stand once in ${file}`);
    return { ...loaded, source: source.replace(find, () => replace) };
  },
});
