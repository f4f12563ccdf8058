/** Routes of the demo's levers. */
import { z } from 'zod';
import { time } from './fields.ts';
import { type Lab, LEVERS } from './lab.ts';
import { type Route, route } from './route.ts';

const entry = z.object({ at: time, lever: z.enum(LEVERS), text: z.string() });

export const labAnswer = z.object({ log: z.array(entry) });

export function labRoutes(lab: Lab | null): Route[] {
  if (lab === null) return [];
  return [
    route({
      method: 'GET',
      path: '/v1/lab',
      door: 'viewer',
      summary: 'What the levers of the demo did',
      answer: labAnswer,
      handle: () => ({ log: lab.log() }),
    }),
    route({
      method: 'POST',
      path: '/v1/lab/:lever',
      door: 'admin',
      summary: 'Pulls a lever of the demo: breaks something',
      params: z.object({ lever: z.enum(LEVERS, { error: `one of: ${LEVERS.join(', ')}` }) }),
      answer: entry,
      handle: async ({ params: { lever } }) => await lab.pull(lever),
    }),
  ];
}
