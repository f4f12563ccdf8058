/**
 * Under which account the embedded Postgres runs. It refuses to run as root, so root hands it to the account
 * `postgres`, else `nobody`; no account is ever made. A plain user runs it as himself.
 *
 * A1 An existing data directory keeps its owner, whoever starts it: Postgres accepts no other.
 * A2 Where that account cannot enter a folder on the way (a project under /root), the process gets the one
 *    capability to pass through folders, not wider permissions on the folders.
 */
import { constants } from 'node:fs';
import { access, chown, readFile, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { SignalboxError } from '../../core/errors/catalogue.ts';

/** `null`: the account of this process. */
export type Account = { readonly name: string; readonly uid: number; readonly gid: number } | null;

/** A command line with the account to spawn it under. */
export interface Launch {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly identity: { readonly uid?: number; readonly gid?: number };
}

const CANDIDATES = ['postgres', 'nobody'];

/** Bits of CapEff that let a process pass folders closed to it, the narrower one first. */
const CAPABILITIES = [
  { bit: 2n, name: 'dac_read_search' },
  { bit: 1n, name: 'dac_override' }, // all that a default container has
];

export async function embeddedAccount(dataDirectory: string): Promise<Account> {
  if (process.getuid?.() !== 0) return null;
  const existing = await stat(dataDirectory).catch(() => null);
  if (existing !== null && existing.uid !== 0) {
    return { name: `uid ${existing.uid}`, uid: existing.uid, gid: existing.gid };
  }
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n');
  for (const candidate of CANDIDATES) {
    const fields = lines.map((line) => line.split(':')).find(([name]) => name === candidate);
    if (fields !== undefined) return { name: candidate, uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new SignalboxError(
    'SB-2011',
    'Postgres does not run as root, and there is no account "postgres" or "nobody": start as a plain user',
  );
}

export async function giveTo(account: Account, path: string): Promise<void> {
  if (account !== null) await chown(path, account.uid, account.gid);
}

/** How to run `program` under the account so that it can reach itself and `dataDirectory`. */
export async function launchAs(
  account: Account,
  options: { program: string; arguments: readonly string[]; dataDirectory: string },
): Promise<Launch> {
  const { program, dataDirectory } = options;
  const plain: Launch = { command: program, arguments: options.arguments, identity: {} };
  if (account === null) return plain;
  const closed =
    (await closedFolder(dirname(program), account)) ?? (await closedFolder(dirname(dataDirectory), account));
  if (closed === null) return { ...plain, identity: { uid: account.uid, gid: account.gid } };
  const setpriv = await findOnPath('setpriv');
  const capability = await ownCapability();
  if (setpriv === null || capability === null) {
    throw new SignalboxError(
      'SB-2011',
      `the account ${account.name} cannot enter ${closed}: use a folder outside it, or start as a plain user`,
    );
  }
  return {
    command: setpriv,
    arguments: [
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      '--clear-groups',
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
      program,
      ...options.arguments,
    ],
    identity: {},
  };
}

/** The first folder from the root down that the account cannot enter; null when it can enter them all. */
async function closedFolder(folder: string, account: { uid: number; gid: number }): Promise<string | null> {
  const parent = dirname(folder);
  if (parent !== folder) {
    const above = await closedFolder(parent, account);
    if (above !== null) return above;
  }
  const { uid, gid, mode } = await stat(folder);
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & bit) === 0 ? folder : null;
}

async function ownCapability(): Promise<string | null> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return CAPABILITIES.find(({ bit }) => (effective >> bit) & 1n)?.name ?? null;
}

async function findOnPath(name: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name);
    if ((await access(file, constants.X_OK).catch((error: unknown) => error)) === undefined) return file;
  }
  return null;
}
