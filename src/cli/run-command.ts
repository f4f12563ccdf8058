/**
 * `signalbox run`: one worker with its API, until it is told to stop.
 *
 * States: starting (ledger, API, schema) → working (group joined) → draining (first signal) → ended.
 * R1 Only a configuration that cannot work ends it; everything else is waited for, said in the log and in /readyz.
 * R2 After the first signal nothing begins; it exits 0 when steps under way have ended or their time is used up.
 * R3 The last worker of a folder stops the embedded Postgres; while others work it goes on for them.
 */

import type { FastifyInstance } from 'fastify';
import { createApi, listen } from '../api/server.ts';
import type { Config } from '../config/config.ts';
import { planWarnings } from '../config/plan-warnings.ts';
import { configuredDisplay, configuredTypes } from '../config/types.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Observer, WorkerHealth } from '../engine/options.ts';
import type { Point } from '../engine/points.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import type { Worker } from '../engine/worker.ts';
import { apiAccess } from './api-access.ts';
import {
  createWorker,
  ledgerName,
  logName,
  type Metrics,
  openLog,
  openParticipants,
  openSender,
  type Participants,
  participantNames,
  type Telemetry,
} from './compose.ts';
import { type OpenAlerts, openAlerts } from './compose-alerts.ts';
import { type ApiLedger, openApiLedger, openSignIn } from './compose-api.ts';
import { type LedgerAddress, prepareLedger, startLedger, stopOwnLedger } from './compose-ledger.ts';
import { type OpenTraces, openTraces } from './compose-telemetry.ts';
import { fleetGauges } from './fleet-gauges.ts';
import { keepLedger } from './keep-ledger.ts';

export interface RunLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface RunOptions {
  readonly config: Config;
  readonly version: string;
  readonly world: World;
  readonly log: RunLog;
  readonly telemetry: Pick<Telemetry, 'Metrics' | 'observers'>;
  readonly observer: Observer;
  /** Told at each named point of the worker; tests end the process there. */
  readonly passing: ((point: Point) => void) | null;
}

/** Between two tries to reach the ledger at start, in ms. */
const RETRY_MS = 1_000;
/** Beyond the drain time the process waits this long for last commits and closing, then ends anyway. */
const CLOSE_GRACE_MS = 5_000;
/** A line of the log says that it is ready when it is; looked at this often, in ms. */
const READY_POLL_MS = 100;

interface Open {
  readonly worker: Worker;
  readonly api: FastifyInstance;
  readonly ledger: ApiLedger;
  readonly sender: TransactionSender;
  readonly participants: Participants;
  readonly address: LedgerAddress;
  readonly traces: OpenTraces | null;
  readonly alerts: OpenAlerts | null;
}

export class Run {
  readonly #options: RunOptions;
  readonly #observer: Observer;
  readonly #metrics: Metrics;
  readonly #ended = Promise.withResolvers<number>();
  #open: Open | null = null;
  #working = false;
  #stopping = false;
  /** Why it is still starting. */
  #obstacle: SignalboxError | null = null;
  #forgetLedger: () => void = () => undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    const { Metrics, observers } = options.telemetry;
    this.#metrics = new Metrics(options.version);
    this.#observer = observers(options.observer, this.#metrics, this.#endingObserver());
  }

  /** Resolves to the exit code when it has ended; rejects for a configuration that cannot work. */
  async run(): Promise<number> {
    const started = this.#start().then(() => this.#ended.promise);
    try {
      // A signal may come while it is still starting, and waits for something that is away.
      return await Promise.race([started, this.#ended.promise]);
    } catch (error) {
      if (this.#stopping) return await this.#ended.promise;
      await this.#close(0);
      throw error;
    }
  }

  /** The first signal: drain, then end with code 0. */
  stop(signal: string): void {
    if (this.#stopping) return;
    this.#stopping = true;
    const { config, world, log } = this.#options;
    log.info(
      { signal, drainTimeoutMs: config.drainTimeoutMs },
      'draining: nothing begins any more, steps under way get their time',
    );
    const timer = world.after(config.drainTimeoutMs + CLOSE_GRACE_MS, () => this.#ended.resolve(0));
    void this.#drain().finally(() => {
      timer.cancel();
      this.#ended.resolve(0);
    });
  }

  // ------------------------------------------------------------------------------------------ start

  async #start(): Promise<void> {
    const { config, version, world, log, passing } = this.#options;
    const { access, says } = apiAccess(config, {
      world,
      onProblem: (error) => this.#observer.problem(error, {}),
    });
    const signIn = await openSignIn(config);
    const participants = await openParticipants(config, world);
    log.info(
      { version },
      `Signalbox: log is ${logName(config)}; ledger is ${ledgerName(config)}; participant ${participantNames(config)}; worker ${config.worker}`,
    );
    if (config.file !== null) log.info({}, `configuration file ${config.file}`);
    for (const { code, message } of planWarnings(config)) log.warn({ code }, message);
    const address = await startLedger(config, (text) => log.info({}, `embedded Postgres: ${text}`));
    const types = configuredTypes(config);
    const sender = await openSender(config, async () => address, world);
    const ledger = await openApiLedger(config, address, { sender, world });
    const observer = this.#observer;
    const onProblem = (error: SignalboxError) => observer.problem(error, {});
    const traces = await openTraces(config, { world, version, onProblem });
    const transactionLog = await openLog(config, address, world);
    const worker = createWorker(config, {
      world,
      address,
      log: traces?.log(transactionLog) ?? transactionLog,
      participants,
      types,
      observer,
      version,
      passing,
      traces,
    });
    this.#metrics.watch({ health: () => this.#health(worker), snapshot: () => worker.snapshot() });
    this.#metrics.watchFleet(() => fleetGauges(ledger));
    const api = createApi({
      ...ledger,
      world,
      sender,
      types,
      displayOf: configuredDisplay(config),
      dedupeWindowMs: config.dedupeWindowMs,
      worker: { health: () => this.#health(worker), snapshot: () => worker.snapshot() },
      metrics: this.#metrics,
      access,
      signIn,
      approvalMs: config.api.approvalMs,
      lab: null,
      name: config.worker,
      version,
      topic: config.topic,
      group: config.group,
      more: () => (config.api.label === null ? {} : { label: config.api.label }),
      onDefect: onProblem,
    });
    const alerts = await openAlerts(config, { ...ledger, world, address, observer });
    this.#open = { worker, api, ledger, sender, participants, address, traces, alerts };
    const url = await listen(api, config.api);
    log.info({ url }, `API and page at ${url}; what is not open asks for ${says}`);
    await this.#join(worker, address);
    alerts?.start();
  }

  async #join(worker: Worker, address: LedgerAddress): Promise<void> {
    const { config, log, world } = this.#options;
    await this.#untilPrepared(address);
    if (this.#stopping) return;
    this.#forgetLedger = keepLedger(config, world, (text) => log.warn({}, text));
    this.#working = true;
    await worker.start();
    void this.#sayWhenReady(worker);
  }

  /** Migrates an empty or older ledger; waits for one that cannot be reached. Throws what no waiting mends. */
  async #untilPrepared(address: LedgerAddress): Promise<void> {
    const { config, world, log } = this.#options;
    while (!this.#stopping) {
      try {
        const applied = await prepareLedger(address, config.ledger.migrate);
        if (applied.length > 0) log.info({ applied }, 'the ledger was migrated');
        this.#obstacle = null;
        return;
      } catch (error) {
        this.#obstacle = this.#waitable(error);
        this.#observer.problem(this.#obstacle, {});
        await new Promise<void>((resume) => world.after(RETRY_MS, resume));
      }
    }
  }

  /** The error when waiting may mend it; else throws it as final. */
  #waitable(error: unknown): SignalboxError {
    if (!(error instanceof SignalboxError)) throw error;
    if (error.code === 'SB-2001') {
      return new SignalboxError(
        'SB-2001',
        `${ledgerName(this.#options.config)}: ${error.detail}; waiting for it, retrying`,
      );
    }
    throw new SignalboxError(error.code, `${ledgerName(this.#options.config)} ${error.detail}`.trim(), {
      cause: error,
      final: true,
    });
  }

  async #sayWhenReady(worker: Worker): Promise<void> {
    const { world, log } = this.#options;
    while (!this.#stopping && !worker.health().ready) {
      await new Promise<void>((resume) => world.after(READY_POLL_MS, resume));
    }
    if (!this.#stopping) log.info({ partitions: worker.snapshot().partitions }, 'ready');
  }

  #health(worker: Worker): WorkerHealth {
    if (this.#working) return worker.health();
    return { ready: false, problems: this.#obstacle === null ? [] : [this.#obstacle] };
  }

  // ------------------------------------------------------------------------------------------ end

  async #drain(): Promise<void> {
    const { config, world, log, observer } = this.#options;
    const startedMs = world.monotonic();
    try {
      const clean = await this.#close(config.drainTimeoutMs);
      if (!clean) observer.problem(new SignalboxError('SB-5008'), {});
      log.info({ ms: Math.round(world.monotonic() - startedMs), clean }, 'drained, ends');
    } catch (error) {
      observer.problem(new SignalboxError('SB-6005', String(error), { cause: error }), {});
    }
  }

  async #close(budgetMs: number): Promise<boolean> {
    const open = this.#open;
    this.#forgetLedger();
    if (open === null) return true;
    this.#open = null;
    const { clean } = this.#working ? await open.worker.stop(budgetMs) : { clean: true };
    await Promise.allSettled([
      open.alerts?.close(),
      open.api.close(),
      open.sender.close(),
      open.ledger.close(),
      open.participants.close(),
      open.traces?.close(),
    ]);
    await stopOwnLedger(this.#options.config, open.address); // R3
    return clean;
  }

  /** An invariant that does not hold stops all work: end, so that a supervisor starts a fresh process. */
  #endingObserver(): Observer {
    const nothing = () => undefined;
    return {
      problem: (error) => {
        if (error.code !== 'SB-5006' || !error.final) return;
        if (this.#stopping) return;
        this.#stopping = true;
        this.#options.world.after(CLOSE_GRACE_MS, () => this.#ended.resolve(1));
        void this.#close(0).finally(() => this.#ended.resolve(1));
      },
      handOver: nothing,
      committed: nothing,
      called: nothing,
      finished: nothing,
      deadLetter: nothing,
    };
  }
}
