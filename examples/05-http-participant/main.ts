/**
 * A participant of grade G3 behind HTTP: barriers at gates. `execute` raises one for a vehicle, `reverse` lowers it.
 * participant.ts keeps the rules, http.ts the wire; a machine of your own takes the place of this one.
 *
 *   PORT=8080 DATABASE=gates.db node examples/05-http-participant/main.ts
 *   npx signalbox conformance http://127.0.0.1:8080
 */
import { setTimeout as pass } from 'node:timers/promises';
import type { Machine } from './contract.ts';
import { serve } from './http.ts';
import { participant } from './participant.ts';

const { PORT = '8080', DATABASE = 'gates.db' } = process.env;
const MOVE_MS = 30;
const HEIGHT_MAX_CM = 400;

/** Stands for the drives. To raise what is up moves nothing, so a key that comes again after a restart does no harm. */
const barriers: Machine = {
  execute: async ({ key, location, data }) => {
    if (Number(data.heightCm ?? 0) > HEIGHT_MAX_CM) return { outcome: 'refused', reason: 'it is too high' };
    await pass(MOVE_MS);
    console.log(`${location} up for ${key}`);
    return { outcome: 'done', evidence: { gate: location, receipt: key } };
  },
  reverse: async ({ key, location }) => {
    await pass(MOVE_MS);
    console.log(`${location} down for ${key}`);
    return { outcome: 'reversed' };
  },
};

serve(Number(PORT), participant(DATABASE, barriers));
