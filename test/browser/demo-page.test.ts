/**
 * The page over a running demo, in a real browser: each page shows live data, the levers break things, a held
 * transaction is decided, filters survive a reload, the keyboard works, axe finds nothing serious, a phone has no overflow.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { getJson, type Started, signalbox, until } from '../integration/processes.ts';
import { assertAccessible, assertNoOverflow, launch, type Opened, open } from './browser.ts';

const START_MS = 90_000;
const SHOWN_MS = 30_000;

const folder = mkdtempSync(join(tmpdir(), 'signalbox-page-'));
let demo: Started;
let browser: Browser;
let url: string;

before(async () => {
  mkdirSync(join(folder, '.signalbox'), { recursive: true });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  demo = signalbox(['demo', '--rate', '20', '--locations', '40', '--port', `${port}`], { folder });
  browser = await launch();
  await until(
    () => `the demo did not begin to work: ${demo.output()}`,
    START_MS,
    async () => {
      const status = await getJson(`${url}/v1/status`);
      return typeof status?.completed === 'number' && status.completed > 20 ? true : null;
    },
  );
});

after(async () => {
  await browser?.close();
  demo?.child.kill('SIGINT');
  const timer = setTimeout(() => demo?.child.kill('SIGKILL'), 30_000);
  await demo?.ended;
  clearTimeout(timer);
  await stopEmbedded(join(folder, '.signalbox'));
  rmSync(folder, { recursive: true, force: true });
});

/** What a failed test left open would slow the others down. */
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

async function shown(path: string, view = {}): Promise<Opened> {
  return await open(browser, url + path, view);
}

async function says(page: Page, selector: string, text: RegExp, ms = SHOWN_MS): Promise<string> {
  let found = '';
  await until(
    () => `${selector} says ${found.slice(0, 400)}, not ${text}`,
    ms,
    async () => {
      found =
        (await page
          .locator(selector)
          .first()
          .textContent({ timeout: 1_000 })
          .catch(() => null)) ?? '';
      return text.test(found) ? true : null;
    },
  );
  return found;
}

describe('each page shows live data', () => {
  const pages: [path: string, selector: string, text: RegExp][] = [
    ['/', '.health h1', /Nothing needs a person|waits for a person/],
    ['/', '.lines', /P00.*worker-\d/],
    ['/', '.stats', /Time to outcome\d+(\.\d)? m?s/],
    ['/', '[aria-label="Live proof"]', /0overlaps\d.*0lost\d.*0double effects/],
    ['/locations', '.vt tbody', /ATM-0001/],
    ['/locations/ATM-0001', '.title', /ATM-0001.*partition P\d\d · worker-\d · limit 1/],
    ['/locations/ATM-0001', '.tg', /slot 1/],
    ['/transactions', 'table tbody', /completed|executing/],
    ['/attention', '#main', /Dead letters/],
    ['/workers', '#main', /worker-1.*worker-2.*P07.*worker-\d started/],
    ['/limits', '#main', /Set by operators/],
    ['/audit', '#main', /append-only/],
    ['/errors/SB-4101', '#main', /SB-4101.*participant/i],
  ];
  for (const [path, selector, text] of pages) {
    it(`${path} ${selector}`, async () => {
      const { page, complaints } = await shown(path);
      await says(page, selector, text);
      await says(page, '.live', /Live · \d\d:\d\d:\d\d UTC/);
      assert.deepEqual(complaints, []);
    });
  }

  it('the numbers move by themselves', async () => {
    const { page } = await shown('/');
    const before = await says(page, '.health p', /Last 15 min: [\d,]+ completed/);
    await until(
      () => `nothing moved: ${before}`,
      SHOWN_MS,
      async () => ((await page.textContent('.health p')) === before ? null : true),
    );
  });

  it('a transaction tells what was done, under which token', async () => {
    const { page } = await shown('/transactions?q=state:completed');
    await page.locator('tbody [data-row]').first().click();
    await says(page, '.title', /Withdraw of €\d+\.\d\d.*completed/);
    await says(page, '#main', /"outcome": "completed"/);
    await says(page, '.wf', /1 apply/);
  });
});

describe('the levers', () => {
  it('a jammed location waits alone, and says why; a bad record is a dead letter', async () => {
    const { page } = await shown('/');
    await page.click('[data-lab="jam-location"]');
    const text = await says(page, '.log', /jammed ATM-\d+/);
    const location = /jammed (ATM-\d+)/.exec(text)?.[1];
    await says(page, '.health h1', /is in doubt|are in doubt/, 60_000);
    await page.goto(`${url}/locations/${location}`);
    await says(
      page,
      '.why',
      /It is not known since .* whether step apply .* took effect|executing step apply/,
    );
    await page.goto(url);
    await page.click('[data-lab="bad-record"]');
    await says(page, '.att', /dead letters1 open/);
    await says(page, '.log', new RegExp(`released ${location}: \\d+ waited there`), 60_000);
  });

  it('a killed worker, a cut database and a rebalance leave the three counters at 0', async () => {
    const { page } = await shown('/');
    await page.click('[data-lab="kill-worker"]');
    await says(page, '.log', /killed worker-\d/);
    await says(page, '.log', /P\d\d.* went from worker-\d to worker-\d.*, \d+\.\d s after/, 90_000);
    await page.click('[data-lab="cut-database"]');
    await says(page, '#main', /The ledger cannot be reached/);
    await says(page, '#main', /Last known at \d\d:\d\d:\d\d UTC, not live: \d+ held/);
    await says(page, '.log', /the ledger is back after/, 90_000);
    await page.click('[data-lab="rebalance"]');
    await says(page, '.log', /asked worker-\d to drain/);
    await says(page, '[aria-label="Live proof"]', /0overlaps\d.*0lost\d.*0double effects/);
  });
});

describe('a held transaction', () => {
  it('is found, understood and decided with a reason; the audit has it', async () => {
    const { page } = await shown('/');
    await page.click('[data-lab="hold-kiosk"]');
    await says(page, '.health h1', /1 transaction waits for a person/);
    await page.locator('.health h1 a').first().click();
    await says(page, '#case-h', /KSK-000\d/);
    await says(page, '.ev', /held/);
    await page.locator('.choice', { hasText: 'Complete' }).locator('button').click();
    const dialog = page.locator('dialog');
    await says(page, 'dialog', /Decided on held under token \d+/);
    const button = dialog.locator('button[type=submit]');
    assert.equal(await button.textContent(), 'Complete');
    assert.equal(await button.isDisabled(), true, 'without a reason nothing is decided');
    await dialog.locator('textarea').fill('paid: the receipt was seen, ticket 7');
    await button.click();
    await dialog.waitFor({ state: 'detached' });
    await says(page, '#main', /Nothing waits for a person/);
    await page.goto(`${url}/audit`);
    await says(page, 'tbody', /complete applied.*kiosk-.*ticket 7/);
  });

  it('is refused when it is not as it was seen', async () => {
    const { page } = await shown('/');
    await page.click('[data-lab="hold-kiosk"]');
    await says(page, '.health h1', /1 transaction waits for a person/);
    await page.goto(`${url}/attention`);
    await page.locator('.choice', { hasText: 'Roll back' }).locator('button').click();
    const id = await page.locator('[aria-labelledby=case-h] a.mono').first().getAttribute('title');
    const answer = await fetch(`${url}/v1/transactions/${id}/decisions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'complete', reason: 'somebody else was faster' }),
    });
    assert.equal(answer.status, 200);
    await page.locator('dialog textarea').fill('too late');
    await page.locator('dialog button[type=submit]').click();
    await says(page, 'dialog [role=alert]', /makes no sense in the state.*completed/);
    assert.equal(await page.locator('dialog textarea').inputValue(), 'too late', 'what was typed stays');
  });
});

describe('limits', () => {
  it('a pause from the page holds the location, and a resume frees it', async () => {
    const { page } = await shown('/locations/ATM-0002');
    await page.getByRole('button', { name: 'Pause…' }).click();
    await page.locator('dialog textarea').fill('cassettes, ticket 9');
    await page.locator('dialog button[type=submit]').click();
    await says(page, '.title', /paused/);
    await says(page, '.why .say', /paused by demo \(cassettes, ticket 9\)/);
    await page.getByRole('button', { name: 'Resume…' }).click();
    await page.locator('dialog textarea').fill('refilled');
    await page.locator('dialog button[type=submit]').click();
    await says(page, '.title', /Pause…/);
    await says(page, '#main', /refilled/);
  });

  it('many at once: counted first, with progress, undone the same way', async () => {
    const { page } = await shown('/locations?q=ATM-003&sort=name');
    await says(page, '.vt tbody', /ATM-0031/);
    await page.getByLabel('Select ATM-0031').check();
    await page.getByLabel('Select ATM-0032').check();
    await page.locator('.bulk').getByRole('button', { name: 'Pause…' }).click();
    await says(page, 'dialog', /Pause 2 locations.*ATM-0031, ATM-0032/);
    await page.locator('dialog textarea').fill('street works');
    await page.locator('dialog button[type=submit]').click();
    await says(page, '.bulk', /paused 2 of 2/);
    await page.locator('.bulk').getByRole('button', { name: 'Undo' }).click();
    await says(page, '.bulk', /resumed 2 of 2/);
  });
});

describe('address, keyboard and order', () => {
  it('filter and order live in the address and survive a reload', async () => {
    const { page } = await shown('/locations');
    await says(page, '.vt tbody', /ATM-0001/);
    await page.keyboard.press('/');
    await page.keyboard.type('ATM-000');
    await until(
      () => page.url(),
      SHOWN_MS,
      async () => (page.url().includes('q=ATM-000') ? true : null),
    );
    await page.getByRole('button', { name: 'By name' }).click();
    await says(page, '.vt tbody', /^(?!.*ATM-0010).*ATM-0009/);
    await page.reload();
    assert.equal(await page.inputValue('.query input'), 'ATM-000');
    assert.equal(await page.getByRole('button', { name: 'By name' }).getAttribute('aria-pressed'), 'true');
    await says(page, '.vt tbody', /^(?!.*ATM-0010).*ATM-0009/);
  });

  it('g and a letter go to a page, j and k walk rows, x selects, p pauses, ? tells the keys', async () => {
    const { page } = await shown('/');
    await says(page, '.lines', /P00/);
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await says(page, 'h1', /^Locations$/);
    await says(page, '.vt tbody', /ATM-0001/);
    await page.getByRole('button', { name: 'By name' }).click();
    await says(page, '.vt tbody tr', /ATM-0001/);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const focused = () => page.evaluate<string>('document.activeElement.textContent');
    assert.equal(await focused(), 'ATM-0002');
    await page.keyboard.press('k');
    assert.equal(await focused(), 'ATM-0001');
    await page.keyboard.press('x');
    await says(page, '.bulk', /1 location/);
    await page.keyboard.press('p');
    await says(page, '.live', /Paused · as of/);
    await page.keyboard.press('p');
    await says(page, '.live', /Live/);
    await page.keyboard.press('?');
    await says(page, 'dialog', /find anything/);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await says(page, 'h1', /^ATM-0001$/);
  });

  it('the palette finds a location, and an error code', async () => {
    const { page } = await shown('/');
    await says(page, '.lines', /P00/);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('ATM-0007');
    await says(page, '[role=listbox]', /ATM-0007/);
    await page.keyboard.press('Enter');
    await says(page, 'h1', /^ATM-0007$/);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('SB-4205');
    await says(page, '[role=listbox]', /SB-4205/);
    await page.keyboard.press('Enter');
    await says(page, '#main', /does not allow to resolve the doubt/);
  });

  it('arrow keys walk the blocks of the diagram', async () => {
    const { page } = await shown('/');
    await says(page, '.lines', /P00/);
    await page.locator('[data-block]').first().focus();
    const label = () => page.evaluate<string>('document.activeElement.getAttribute("aria-label")');
    const first = await label();
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await label(), first);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowDown');
    assert.notEqual(await label(), first);
  });
});

describe('for everybody', () => {
  const paths = [
    '/',
    '/locations',
    '/locations/ATM-0001',
    '/transactions',
    '/attention',
    '/workers',
    '/limits',
    '/audit',
  ];
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const path of paths) {
      it(`axe finds nothing serious on ${path} in ${colorScheme}`, async () => {
        const { page } = await shown(path, { colorScheme });
        await says(page, '#main', /ATM|worker|Set by|append-only|Dead letters/);
        await assertAccessible(page);
      });
    }
  }

  for (const path of [...paths, '/more']) {
    it(`a phone shows ${path} without overflow`, async () => {
      const { page } = await shown(path, { viewport: { width: 360, height: 800 } });
      await says(page, '#main', /ATM|worker|Set by|append-only|Dead letters|Workers/);
      await assertNoOverflow(page);
    });
  }
});
