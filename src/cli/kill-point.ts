/**
 * A hidden setting of tests: SIGNALBOX_KILL_AT="<point>:<n>" makes the process end itself by SIGKILL at the n-th
 * passing of a named point (src/engine/points.ts). What it says before is written at once, for whoever counts.
 */
import { writeSync } from 'node:fs';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { POINTS, type Point } from '../engine/points.ts';

const NAME = 'SIGNALBOX_KILL_AT';
const STDOUT = 1;

/** What a killed worker said last: a line of its log. */
export const KILLED_AT = 'killed at a named point';

export interface KillDoors {
  /** Must not return once the process is dead. */
  readonly kill: () => void;
  /** Writes without buffering. */
  readonly say: (line: string) => void;
}

const REAL: KillDoors = {
  kill: () => void process.kill(process.pid, 'SIGKILL'),
  say: (line) => void writeSync(STDOUT, line),
};

/** Null when the setting is absent. Throws SB-5002 for one that names no point or no number from 1. */
export function killPoint(
  setting: string | undefined,
  doors: KillDoors = REAL,
): ((point: Point) => void) | null {
  if (setting === undefined || setting === '') return null;
  const [name, count = ''] = setting.split(':');
  const wanted = POINTS.find((point) => point === name);
  if (wanted === undefined || !/^[1-9]\d{0,8}$/.test(count)) {
    const detail = `${NAME}: found "${setting}", allowed is <point>:<n> with one of ${POINTS.join(', ')}`;
    throw new SignalboxError('SB-5002', detail, { final: true });
  }
  let left = Number(count);
  return (point) => {
    if (point !== wanted) return;
    left -= 1;
    if (left !== 0) return;
    doors.say(`${JSON.stringify({ msg: KILLED_AT, point, passing: Number(count) })}\n`);
    doors.kill();
  };
}
