/**
 * While a simulated world runs the real clocks, timers and random sources throw: whatever would use one makes the same
 * seed another world. Sealed are the globals and the random functions of node:crypto, for all code of the process.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

type Owner = Record<string, unknown>;

const RealDate = Date;

/** What is replaced: whose member, its name, and where code of the engine should turn to. */
const SEALED: readonly (readonly [owner: object, name: string, instead: string])[] = [
  [globalThis, 'setTimeout', 'World.after()'],
  [globalThis, 'setInterval', 'World.after()'],
  [globalThis, 'setImmediate', 'World.soon()'],
  [globalThis, 'Date', 'World.now()'],
  [Math, 'random', 'World.random()'],
  [performance, 'now', 'World.monotonic()'],
  [AbortSignal, 'timeout', 'World.after()'],
  [globalThis.crypto, 'randomUUID', 'World.random()'],
  [globalThis.crypto, 'getRandomValues', 'World.random()'],
  [crypto, 'randomUUID', 'World.random()'],
  [crypto, 'randomBytes', 'World.random()'],
  [crypto, 'randomInt', 'World.random()'],
  [crypto, 'randomFillSync', 'World.random()'],
];

/** Seals them until the function that it returns is called. */
export function seal(): () => void {
  const before = SEALED.map(([owner, name, instead]) => {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    const value = name === 'Date' ? sealedDate(instead) : thrower(name, instead);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    return own;
  });
  syncBuiltinESMExports();
  return () => {
    for (const [index, [owner, name]] of SEALED.entries()) {
      const own = before[index];
      if (own === undefined) delete (owner as Owner)[name];
      else Object.defineProperty(owner, name, own);
    }
    syncBuiltinESMExports();
  };
}

function thrower(name: string, instead: string): () => never {
  return () => {
    throw new Error(`the real ${name} in a simulated world: use ${instead}`);
  };
}

/** A date of a given time is no clock. */
function sealedDate(instead: string): unknown {
  const refuse = thrower('Date', instead);
  return class extends RealDate {
    constructor(...given: unknown[]) {
      super(...(given as [number]));
      if (given.length === 0) refuse();
    }
    static override now(): number {
      return refuse();
    }
  };
}
