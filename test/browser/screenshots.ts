/**
 * The pictures of docs/images: `npm run screenshots`. Starts the demo as a user would, lets it run until its charts have
 * something to show, pulls levers so that something waits for a person, and takes each page in both themes.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { getJson, signalbox, until } from '../integration/processes.ts';
import { launch, open } from './browser.ts';

const OUT = resolve(import.meta.dirname, '../../docs/images');
/** The chart of the last quarter of an hour is drawn from spans of ten seconds. */
const CALM_MS = 100_000;
const START_MS = 90_000;
const LEVER_MS = 60_000;
const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** The second answer has come, and charts are drawn. */
const SETTLED_MS = 1_500;

interface Shot {
  readonly name: string;
  readonly colorScheme: 'light' | 'dark';
  /** What must be on the page before it is taken. */
  readonly shows: RegExp;
  readonly viewport?: typeof DESK;
}

async function says(page: Page, selector: string, text: RegExp): Promise<RegExpExecArray> {
  let found = '';
  return await until(
    () => `${page.url()} ${selector} says ${found.slice(0, 300)}, not ${text}`,
    LEVER_MS,
    async () => {
      found =
        (await page
          .locator(selector)
          .first()
          .textContent({ timeout: 1_000 })
          .catch(() => '')) ?? '';
      return text.exec(found);
    },
  );
}

/** A worker that died, a dead letter, a transaction that waits for a person. */
async function breakThings(page: Page): Promise<void> {
  await page.click('[data-lab="kill-worker"]');
  await says(page, '.log', /P\d\d.* went from worker-\d to worker-\d/);
  await page.click('[data-lab="bad-record"]');
  await page.click('[data-lab="hold-kiosk"]');
  await says(page, '.health h1', /waits? for a person/);
}

/** Jams a location, and waits until its transaction is in doubt: the demo releases it after a while. */
async function jam(url: string, page: Page): Promise<{ readonly location: string; readonly id: string }> {
  const before = await jammedAt(url);
  await page.click('[data-lab="jam-location"]');
  return await until(
    () => 'no jammed location was in doubt',
    LEVER_MS,
    async () => {
      const jammed = await jammedAt(url);
      if (jammed.length === before.length) return null;
      const answer = await getJson(`${url}/v1/transactions?states=in_doubt`);
      const items = (answer?.transactions ?? []) as { id: string; location: string }[];
      return items.find(({ location }) => location === jammed.at(-1));
    },
  );
}

async function jammedAt(url: string): Promise<string[]> {
  const log = ((await getJson(`${url}/v1/lab`))?.log ?? []) as { text: string }[];
  return log.flatMap(({ text }) => /^jammed (\S+) for/.exec(text)?.[1] ?? []);
}

async function take(browser: Browser, address: string, { name, shows, colorScheme, viewport }: Shot) {
  const { page } = await open(browser, address, { colorScheme, viewport: viewport ?? DESK });
  await says(page, '#main', shows);
  await delay(SETTLED_MS);
  const file = `${name}-${colorScheme}.png`;
  await page.screenshot({ path: join(OUT, file), fullPage: name === 'now' });
  console.log(`docs/images/${file}`);
  await page.close();
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-pictures-'));
mkdirSync(join(folder, '.signalbox'), { recursive: true });
mkdirSync(OUT, { recursive: true });
const url = `http://127.0.0.1:${await freePort()}`;
const demo = signalbox(['demo', '--port', new URL(url).port], { folder });
const browser = await launch();
try {
  await until(
    () => `the demo did not begin to work: ${demo.output()}`,
    START_MS,
    async () => Number((await getJson(`${url}/v1/status`))?.completed) > 20,
  );
  const command = async (...args: string[]) => {
    const code = await signalbox(args, { folder }).ended;
    if (code !== 0) throw new Error(`signalbox ${args.join(' ')} ended with ${code}`);
  };
  await command('limit', 'ATM-0002', '2', '--reason', 'two drawers, ticket 41');
  await command('limit', 'ATM-012*', '3', '--reason', 'three bays each');
  await command('pause', 'ATM-0061', '--reason', 'street works until Friday');
  console.log(`the demo runs; pictures after ${CALM_MS / 1_000} s of calm`);
  await delay(CALM_MS);
  const { page } = await open(browser, url);
  await breakThings(page);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.goto(url);
    const { location, id } = await jam(url, page);
    const shots: [name: string, path: string, shows: RegExp, viewport?: typeof DESK][] = [
      ['location', `/locations/${location}`, /because\s*in doubt/],
      ['transaction', `/transactions/${encodeURIComponent(id)}`, /in doubt/],
      ['now', '/', /P00/],
      ['now-phone', '/', /P00/, PHONE],
      ['locations', '/locations', /ATM-\d+/],
      ['attention', '/attention', /KSK-000\d/],
      ['transactions', '/transactions', /completed|executing/],
      ['workers', '/workers', /worker-1/],
      ['limits', '/limits', /two drawers/],
      ['audit', '/audit', /street works/],
      ['error', '/errors/SB-4101', /SB-4101/],
    ];
    for (const [name, path, shows, viewport] of shots)
      await take(browser, url + path, { name, colorScheme, shows, ...(viewport && { viewport }) });
  }
} finally {
  await browser.close();
  demo.child.kill('SIGINT');
  await demo.ended;
  await stopEmbedded(join(folder, '.signalbox'));
  rmSync(folder, { recursive: true, force: true });
}
