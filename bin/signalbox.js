#!/usr/bin/env node
// Starts the CLI on Node 24 or newer: from the sources in a checkout, from dist/ in the installed package.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

if (major < 24) {
  const node24 = at('../node_modules/.bin/node');
  if (!existsSync(node24)) {
    console.error(
      `SB-5001 Signalbox needs Node.js 24 or newer, this is ${process.versions.node}.\n` +
        'Remedy: install Node.js 24, or run "npm ci" in a checkout, which brings its own.',
    );
    process.exit(78);
  }
  const child = spawnSync(node24, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exit(child.status ?? 1);
}

const source = at('../src/cli/main.ts');
await import(existsSync(source) ? source : at('../dist/cli/main.js'));
