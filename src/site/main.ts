/**
 * The simulated site as a process of its own: `node src/site/main.ts --directory … [--port …] [--seed …]`.
 * Prints one line `{"ready":true,"port":…}` when it listens. SIGTERM and SIGINT end it; a second one ends it at once.
 */
import { SITE_HELP, siteOptionsFrom } from './flags.ts';
import { Site } from './site.ts';

async function main(args: readonly string[]): Promise<void> {
  const site = await Site.start(siteOptionsFrom(args));
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(143);
    stopping = true;
    void site.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ ready: true, port: site.port })}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${SITE_HELP}`);
  process.exitCode = 1;
});
