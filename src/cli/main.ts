/** The command line of Signalbox: reads arguments, loads the configuration, runs one command, ends with its code. */
import { randomUUID } from 'node:crypto';
import { Command, CommanderError } from 'commander';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { configuredTypes } from '../config/types.ts';
import type { JsonObject } from '../core/answer.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { ReadModel } from '../engine/ports-read.ts';
import { jsonObject, wholeNumber, within } from './arguments.ts';
import {
  boundHeapGrowth,
  ledgerName,
  loadTelemetry,
  openSender,
  packageVersion,
  participantAt,
  realWorld,
} from './compose.ts';
import {
  findLedger,
  migrateLedger,
  openDeadLetterDesk,
  openLists,
  openOperations,
  openReadModel,
  startLedger,
} from './compose-ledger.ts';
import { type DeadLetterParts, deadLettersProgram } from './dead-letters-program.ts';
import type { DemoOptions } from './demo-command.ts';
import { EXIT_OTHER, fail } from './fail.ts';
import { killPoint } from './kill-point.ts';
import { auditList, type ListsDoors, listsProgram } from './lists-program.ts';
import { locationsCommand } from './locations-command.ts';
import { auditVerify, type Common, type OperateDoors, operateCommands } from './operate-program.ts';
import { sendCommand } from './send-command.ts';
import { showCommand } from './show-command.ts';
import { simProgram } from './sim-program.ts';
import { EXIT_SECOND_SIGNAL, isForwarded, onStopSignal } from './stop-signal.ts';
import { processTerminal, show } from './terminal.ts';
import { whyCommand } from './why-command.ts';

const world = realWorld();
const version = await packageVersion();

/** A command with what every command has. */
function command(name: string, about: string): Command {
  return new Command(name)
    .description(about)
    .option(
      '--config <file>',
      'configuration file, or "none" (default: signalbox.config.ts, .js or .json here)',
    )
    .option('--json', 'output for machines')
    .exitOverride();
}

async function configOf(
  { config }: Common,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Config> {
  return await loadConfig({
    environment: process.env,
    folder: process.cwd(),
    file: config,
    options,
    pid: process.pid,
  });
}

/** Runs `work` and ends the process with its code; an error is printed with code, cause, detail and remedy. */
async function end(common: Common, work: () => Promise<number>): Promise<never> {
  try {
    process.exit(await work());
  } catch (error) {
    process.exit(fail(error, processTerminal(common.json ?? false)));
  }
}

async function reading(common: Common, work: (read: ReadModel) => Promise<number>): Promise<number> {
  const config = await configOf(common);
  const read = openReadModel(config, await findLedger(config));
  try {
    return await work(read);
  } finally {
    await read.close();
  }
}

async function operating(common: Common, work: Parameters<OperateDoors['operating']>[1]): Promise<never> {
  return await end(common, async () => {
    const config = await configOf(common);
    const address = await findLedger(config);
    const operations = await openOperations(config, address);
    const read = openReadModel(config, address);
    try {
      return await work(operations, { read, approvalMs: config.api.approvalMs });
    } finally {
      await Promise.all([operations.close(), read.close()]);
    }
  });
}

async function listing(common: Common, work: Parameters<ListsDoors['listing']>[1]): Promise<never> {
  return await end(common, async () => {
    const config = await configOf(common);
    const address = await findLedger(config);
    const lists = await openLists(config, address);
    const read = openReadModel(config, address);
    try {
      return await work({ lists, read });
    } finally {
      await Promise.all([lists.close(), read.close()]);
    }
  });
}

async function withLetters(
  common: Common,
  work: (parts: DeadLetterParts) => Promise<number>,
): Promise<never> {
  return await end(common, async () => {
    const config = await configOf(common);
    const address = await findLedger(config);
    const desk = await openDeadLetterDesk(config, address);
    const read = openReadModel(config, address);
    const open: { close(): Promise<void> }[] = [desk, read];
    const replayDoors = async () => {
      const sender = await openSender(config, async () => address, world);
      open.push(sender);
      const { dedupeWindowMs } = config;
      return { desk, sender, types: configuredTypes(config), nowMs: world.now(), dedupeWindowMs };
    };
    try {
      return await work({ desk, read, replayDoors });
    } finally {
      await Promise.all(open.map((each) => each.close()));
    }
  });
}

function readingCommands(): Command[] {
  const terminal = (common: Common) => processTerminal(common.json ?? false);
  return [
    command('show', 'show one transaction, its history and its result')
      .argument('<id>', 'id of the transaction')
      .action((id: string, common: Common) =>
        end(common, () => reading(common, (read) => showCommand(id, read, terminal(common)))),
      ),
    command('why', 'say why a location waits, what happens next, what would free it')
      .argument('<location>', 'the location')
      .action((location: string, common: Common) =>
        end(common, () => reading(common, (read) => whyCommand(location, read, terminal(common)))),
      ),
    command('locations', 'list locations, open ones first')
      .option('--limit <n>', 'at most this many', wholeNumber, 50)
      .action((common: Common & { limit: number }) =>
        end(common, () =>
          reading(common, (read) =>
            locationsCommand({ limit: common.limit, nowMs: world.now() }, read, terminal(common)),
          ),
        ),
      ),
  ];
}

interface SendOptions extends Common {
  readonly id?: string;
  readonly expiresAt?: string;
}

async function send(
  location: string,
  type: string,
  data: string | undefined,
  options: SendOptions,
): Promise<number> {
  const config = await configOf(options);
  const sender = await openSender(config, () => findLedger(config), world);
  const { dedupeWindowMs } = config;
  const { id = randomUUID(), expiresAt } = options;
  const request = {
    location,
    type,
    data,
    id,
    expiresAt,
    nowMs: world.now(),
    dedupeWindowMs,
    topic: config.topic,
  };
  try {
    return await sendCommand(
      request,
      { sender, types: configuredTypes(config) },
      processTerminal(options.json ?? false),
    );
  } finally {
    await sender.close();
  }
}

async function migrate(common: Common): Promise<number> {
  const config = await configOf(common);
  const terminal = processTerminal(common.json ?? false);
  const address = await startLedger(config, (text) => terminal.err(`embedded Postgres: ${text}`));
  const applied = await migrateLedger(address);
  const text = applied.length === 0 ? 'nothing to do' : applied.join(', ');
  show(terminal, { ledger: ledgerName(config), applied }, () => [`${ledgerName(config)}: ${text}`]);
  return 0;
}

async function doctor(common: Common): Promise<number> {
  const [{ doctorChecks }, { doctorCommand }] = await Promise.all([
    import('./doctor-checks.ts'),
    import('./doctor-command.ts'),
  ]);
  const config = await configOf(common);
  return await doctorCommand(doctorChecks(config, world), processTerminal(common.json ?? false));
}

interface ConformanceOptions extends Common {
  readonly location: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly timeoutMs: number;
}

async function conformance(endpoint: string, options: ConformanceOptions): Promise<number> {
  const { conformanceCommand } = await import('./conformance-command.ts');
  const participant = await participantAt(endpoint, world);
  const { location, type, data, timeoutMs } = options;
  const prefix = `conformance-${randomUUID()}`;
  try {
    const subject = { participant, location, type, data, prefix, timeoutMs };
    return await conformanceCommand(subject, processTerminal(options.json ?? false));
  } finally {
    await participant.close();
  }
}

function conformanceCommandLine(): Command {
  return command('conformance', 'test the rules for participants at an endpoint; it acts there for real')
    .argument('<endpoint>', 'URL of the participant; may hold {location}')
    .option('--location <location>', 'a location for tests: its marks rise', 'conformance')
    .option('--type <type>', 'type of the transactions', 'withdraw')
    .option('--data <json>', 'their data', jsonObject, {})
    .option('--timeout-ms <n>', 'longest time of one call', within(1, 600_000), 30_000)
    .action((endpoint: string, options: ConformanceOptions) =>
      end(options, () => conformance(endpoint, options)),
    );
}

async function run(options: Common & { port?: number; host?: string }): Promise<number> {
  boundHeapGrowth();
  const config = await configOf(options, { 'api.port': options.port, 'api.host': options.host });
  const pretty = process.stdout.isTTY === true && options.json !== true;
  const write = (line: string) => void process.stdout.write(line);
  const [{ Run }, telemetry] = await Promise.all([import('./run-command.ts'), loadTelemetry()]);
  const log = telemetry.createLogger({ level: config.logLevel, worker: config.worker, pretty, write });
  const running = new Run({
    config,
    version,
    world,
    log,
    telemetry,
    observer: new telemetry.LogObserver(log, world),
    passing: killPoint(process.env.SIGNALBOX_KILL_AT),
  });
  listenToSignals(
    (signal) => running.stop(signal),
    () => process.exit(EXIT_SECOND_SIGNAL),
  );
  return await running.run();
}

interface DemoArguments extends Common, DemoOptions {}

async function demo(options: DemoArguments): Promise<number> {
  const { Demo } = await import('./demo-command.ts');
  const terminal = processTerminal(options.json ?? false);
  const doors = { world, terminal, version, folder: process.cwd(), directory: process.env.SIGNALBOX_DIR };
  const running = new Demo(
    { ...options, kafka: options.kafka ?? false, reset: options.reset ?? false },
    doors,
  );
  listenToSignals(
    () => running.stop(),
    () => void running.force().finally(() => process.exit(EXIT_SECOND_SIGNAL)),
  );
  return await running.run();
}

function listenToSignals(onFirst: (signal: string) => void, onSecond: () => void): void {
  const forwarded = isForwarded(process.env);
  onStopSignal({ source: process, forwarded, now: () => world.monotonic(), onFirst, onSecond });
}

function demoCommand(): Command {
  return command('demo', 'everything on this machine: live traffic against simulated machines')
    .option('--rate <n>', 'transactions a second', within(1, 2_000), 60)
    .option('--locations <n>', 'dispensers', within(1, 5_000), 120)
    .option('--workers <n>', 'worker processes', within(1, 16), 2)
    .option('--port <n>', 'port of API and page', within(0, 65_535), 7070)
    .option('--kafka', 'on a real Kafka broker, fetched through Maven (needs Java 17)', false)
    .option('--reset', 'begin anew: forget what the last demo left', false)
    .action((options: DemoArguments) => end(options, () => demo(options)));
}

function program(): Command {
  const top = new Command('signalbox')
    .description(
      'Transactions from Kafka against physical locations: one at a time per location, none lost, none twice.',
    )
    .version(version)
    .exitOverride();
  top.addCommand(
    command('run', 'run one worker with its API')
      .option('--port <n>', 'port of the API; 0 takes any free one', wholeNumber)
      .option('--host <address>', 'where the API listens; beyond loopback only with tokens')
      .action((options: Common & { port?: number; host?: string }) => end(options, () => run(options))),
  );
  top.addCommand(
    command('send', 'put one transaction on the topic')
      .argument('<location>', 'the location: record key')
      .argument('<type>', 'type of the transaction')
      .argument('[data]', 'JSON object')
      .option('--id <id>', 'id of the transaction (default: a new one)')
      .option('--expires-at <time>', 'roll back instead of beginning after this time (RFC 3339)')
      .action((location: string, type: string, data: string | undefined, options: SendOptions) =>
        end(options, () => send(location, type, data, options)),
      ),
  );
  top.addCommand(demoCommand());
  for (const each of readingCommands()) top.addCommand(each);
  for (const each of operateCommands({ world, command, operating })) top.addCommand(each);
  for (const each of listsProgram({ world, command, listing })) top.addCommand(each);
  top.addCommand(
    new Command('audit')
      .description('what people did, in a chain of hashes')
      .exitOverride()
      .addCommand(auditList({ command, listing }), { isDefault: true })
      .addCommand(auditVerify({ command, operating })),
  );
  top.addCommand(deadLettersProgram({ command, withLetters }));
  top.addCommand(simProgram({ world, command, end }));
  top.addCommand(
    command('migrate', 'bring the ledger up to this version').action((common: Common) =>
      end(common, () => migrate(common)),
    ),
  );
  top.addCommand(
    command('doctor', 'look at everything a worker needs; exit code 1 when something fails').action(
      (common: Common) => end(common, () => doctor(common)),
    ),
  );
  top.addCommand(conformanceCommandLine());
  return top;
}

try {
  await program().parseAsync(process.argv);
} catch (error) {
  // Commander has printed what is wrong; help and version end with 0, a wrong usage with 64 of sysexits.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 64);
  process.exit(error instanceof SignalboxError ? fail(error, processTerminal(false)) : EXIT_OTHER);
}
