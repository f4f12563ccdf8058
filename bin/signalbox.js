#!/usr/bin/env node
// Starts the CLI on Node 24 or newer: from the sources in a checkout, from dist/ in the installed package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The Node.js that "npm ci" brings runs it; signals and exit code pass through, so a drain works as without us. */
function runOn(node24) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(node24, args, { stdio: 'inherit', env: { ...process.env, SIGNALBOX_LAUNCHED: '1' } });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : 143)));
}

if (major < 24) {
  const node24 = at('../node_modules/.bin/node');
  if (existsSync(node24)) runOn(node24);
  else {
    console.error(
      `SB-5001 The version of Node.js is too old: Signalbox needs 24 or newer, this is ${process.versions.node}.\n` +
        'Remedy: install Node.js 24, or run "npm ci" in a checkout, which brings its own.',
    );
    process.exitCode = 78;
  }
} else {
  // Half of what a short command takes is compiling what it loads.
  module.enableCompileCache();
  const source = at('../src/cli/main.ts');
  await import(existsSync(source) ? source : at('../dist/cli/main.js'));
}
