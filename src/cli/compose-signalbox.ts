/**
 * A transaction worker for a process of one's own: the adapters of the service, composed from options instead of a file.
 * What they load is loaded by `start`.
 */
import { realWorld } from '../adapters/node/world.ts';
import type { Config } from '../config/config.ts';
import { givenConfig } from '../config/load-config.ts';
import type { SignalboxConfig } from '../config/schema.ts';
import { configuredTypes } from '../config/types.ts';
import { EventStream } from '../consumer/event-stream.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Types } from '../engine/options.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import type {
  ParticipantsOptions,
  SignalboxEvent,
  Submission,
  Submitted,
  TypesOptions,
} from '../library/options.ts';
import { eventObserver, type OpenSignalbox, Signalbox } from '../library/signalbox.ts';
import { functionsOf, isInProcess, stepProblems } from '../library/step-functions.ts';
import { keepAlive } from './keep-alive.ts';

/** Settings of what only the service has: its API, its log, its traces, its alerts. */
const OF_THE_SERVICE = ['api', 'logLevel', 'telemetry', 'alerts'] as const;
type OfTheService = (typeof OF_THE_SERVICE)[number];

/**
 * The settings of signalbox.config.ts (docs/reference/configuration.md), with participants that may be functions. No
 * environment variable is read. Without `kafka` the log is a table in the ledger's database; without `ledger.url` a
 * Postgres is started in `directory`.
 */
export interface SignalboxOptions<Participants extends ParticipantsOptions, Type extends string>
  extends Omit<SignalboxConfig, 'participants' | 'types' | OfTheService> {
  readonly participants: Participants;
  readonly types: TypesOptions<Participants, Type>;
  /** Told of problems that it goes on after by itself; one with `final` needs a new process. */
  readonly onProblem?: (error: SignalboxError) => void;
}

/**
 * A worker, not started yet. Throws SB-5002 (final) with every problem of the options.
 *
 *   const signalbox = createSignalbox({
 *     kafka: { brokers: ['localhost:9092'] }, ledger: { url: 'postgres://…' },
 *     participants: { till: { steps: { pay: { execute: async (call) => … } }, capabilities: { replay: true } } },
 *     types: { sale: { steps: [{ name: 'pay', participant: 'till' }] } },
 *   });
 *   await signalbox.start();
 *   await signalbox.submit({ id: 'sale-1', type: 'sale', location: 'till-7', data: { cents: 250 } });
 */
export function createSignalbox<const Participants extends ParticipantsOptions, const Type extends string>(
  options: SignalboxOptions<Participants, Type>,
): Signalbox<Type> {
  const { participants, types, onProblem = null, ...settings } = options;
  const inProcess = Object.entries(participants).filter(([, each]) => isInProcess(each));
  const behindHttp = Object.entries(participants).filter(([, each]) => !isInProcess(each));
  const config = givenConfig(
    { ...settings, types, participants: Object.fromEntries(behindHttp) },
    {
      folder: process.cwd(),
      pid: process.pid,
      inProcess: inProcess.map(([name]) => name),
      problems: [
        ...OF_THE_SERVICE.filter((name) => Object.hasOwn(settings, name)).map((field) => ({
          field,
          found: 'a setting',
          allowed: 'nothing: only signalbox run has it',
        })),
        ...stepProblems(participants, types),
      ],
    },
  );
  const events = new EventStream<SignalboxEvent>();
  return new Signalbox({
    world: realWorld(),
    events,
    drainTimeoutMs: config.drainTimeoutMs,
    keepAlive,
    onProblem,
    open: () => openSignalbox(config, participants, { events, onProblem }),
  });
}

interface Told {
  readonly events: EventStream<SignalboxEvent>;
  readonly onProblem: ((error: SignalboxError) => void) | null;
}

async function openSignalbox(
  config: Config,
  participants: ParticipantsOptions,
  told: Told,
): Promise<OpenSignalbox> {
  const [compose, { openReadModel, prepareLedger, startLedger, stopOwnLedger }, { keepLedger }] =
    await Promise.all([import('./compose.ts'), import('./compose-ledger.ts'), import('./keep-ledger.ts')]);
  const world = realWorld();
  const observer = eventObserver(told);
  const address = await startLedger(config, () => undefined);
  await prepareLedger(address, config.ledger.migrate);
  const all = await compose.httpParticipants(config, world);
  for (const [name, each] of Object.entries(participants))
    if (isInProcess(each)) all.set(name, new compose.InProcessParticipant(world, functionsOf(each)));
  const own = compose.participantsOf(all);
  const types = configuredTypes(config);
  const [log, sender, version] = await Promise.all([
    compose.openLog(config, address, world),
    compose.openSender(config, async () => address, world),
    compose.packageVersion(),
  ]);
  const read = openReadModel(config, address);
  const worker = compose.createWorker(config, {
    world,
    address,
    log,
    participants: own,
    types,
    observer,
    version,
    passing: null,
  });
  const say = (text: string) => observer.problem(new SignalboxError('SB-2001', text), {});
  const letLedgerGo = keepLedger(config, world, say);
  return {
    worker,
    read,
    submit: (submission) => submitTo({ world, sender, types, config }, submission),
    close: async () => {
      letLedgerGo();
      await Promise.all([sender.close(), read.close(), own.close()]);
      await stopOwnLedger(config, address);
    },
  };
}

interface SubmitParts {
  readonly world: World;
  readonly sender: TransactionSender;
  readonly types: Types;
  readonly config: Config;
}

async function submitTo(
  { config, ...parts }: SubmitParts,
  { traceparent, ...submission }: Submission,
): Promise<Submitted> {
  const { submit } = await import('../api/submit.ts');
  const { dedupeWindowMs } = config;
  const body = Buffer.from(JSON.stringify(submission));
  return await submit(body, traceparent ?? null, { ...parts, dedupeWindowMs, mayAt: () => undefined });
}
