/** The page over an API that a test turns: signing in, what it says when something is away, and 100,000 locations. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createApi, listen } from '../../src/api/server.ts';
import { SignalboxError } from '../../src/core/errors/catalogue.ts';
import { FakeWorld, OPEN_LOCATION } from '../fixtures/api-fakes.ts';
import { accessWith, entryOf } from '../fixtures/api-tokens.ts';
import { until } from '../integration/processes.ts';
import { assertAccessible, launch, open } from './browser.ts';

const SAYS_MS = 20_000;

let browser: Browser;
const closings: (() => Promise<unknown>)[] = [];
before(async () => {
  browser = await launch();
});
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});
after(async () => await browser.close());

interface Shown {
  readonly fake: FakeWorld;
  readonly page: Page;
  readonly complaints: string[];
}

async function show(
  more = {},
  {
    path = '/',
    view = {},
    turn = (_: FakeWorld) => undefined as unknown,
  }: {
    path?: string;
    view?: BrowserContextOptions;
    turn?: (fake: FakeWorld) => unknown;
  } = {},
): Promise<Shown> {
  const fake = new FakeWorld();
  turn(fake);
  // The page compares ages with the server's clock, so that one runs with the real one.
  fake.nowMs = Date.now();
  const clock = setInterval(() => fake.pass(100), 100);
  const api = createApi(fake.doors(more));
  const url = await listen(api, { host: '127.0.0.1', port: 0 });
  const { page, complaints } = await open(browser, url + path, view);
  closings.push(
    () => api.close(),
    () => page.context().close(),
    async () => clearInterval(clock),
  );
  return { fake, page, complaints };
}

async function says(page: Page, selector: string, text: RegExp): Promise<void> {
  let found = '';
  await until(
    () => `${selector} says ${found.slice(0, 300)}, not ${text}`,
    SAYS_MS,
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
}

describe('signing in', () => {
  const TOKENS = [
    entryOf({ name: 'eye', role: 'viewer', token: 'see' }),
    entryOf({ name: 'hand', role: 'operator', token: 'do' }),
  ];
  const access = () => accessWith(TOKENS, true);

  it('asks for a token, tells what is wrong with another, and shows the page with the right one', async () => {
    const { page, complaints } = await show({ access: access() });
    await says(page, 'h1', /^Sign in$/);
    await assertAccessible(page);
    await page.fill('#token', 'wrong');
    await page.click('button[type=submit]');
    await says(page, '[role=alert]', /A token is needed.*not known.*SB-6003/);
    await page.fill('#token', 'see');
    await page.click('button[type=submit]');
    await says(page, '.health h1', /in doubt/);
    await says(page, '.lines', /P00/);
    assert.deepEqual(complaints, []);
    await page.reload();
    await says(page, '.health h1', /in doubt/);
    await page.getByRole('button', { name: 'Sign out eye' }).click();
    await says(page, 'h1', /^Sign in$/);
  });

  it('a viewer sees acts, and why they cannot be used', async () => {
    const { page } = await show({ access: access() }, { path: '/locations/ATM-1' });
    await page.fill('#token', 'see');
    await page.click('button[type=submit]');
    const pause = page.getByRole('button', { name: 'Pause…' });
    await pause.waitFor();
    assert.equal(await pause.getAttribute('aria-disabled'), 'true');
    assert.equal(await pause.getAttribute('title'), 'needs the role operator');
    await pause.focus();
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Pause…', 'it can be reached');
    await pause.click({ force: true });
    assert.equal(await page.locator('dialog').count(), 0);
  });

  it('offers the provider where one is configured', async () => {
    const signIn = {
      begin: async () => ({ url: '/', remember: { state: '', verifier: '', nonce: '' } }),
      finish: async () => {
        throw new Error('not asked');
      },
    };
    const { page } = await show({ access: access(), signIn });
    await says(page, 'form', /Sign in with your organisation/);
  });
});

describe('when something is away', () => {
  it('the ledger: a diagnosis with the code and what was last known, and it heals without a reload', async () => {
    const { page, fake } = await show();
    await says(page, '.health h1', /in doubt/);
    fake.failure = new SignalboxError('SB-2001', 'db:5432');
    await says(page, '#main', /The ledger cannot be reached.*db:5432.*Since \d\d:\d\d:\d\d UTC/s);
    await says(
      page,
      '#main',
      /Last known at \d\d:\d\d:\d\d UTC, not live: 0 held, 1 in doubt, 9 waiting, 40 completed/,
    );
    await assertAccessible(page);
    fake.failure = null;
    await says(page, '.health h1', /in doubt/);
  });

  it('a paused page keeps what it showed, and says as of when', async () => {
    const { page, fake } = await show();
    await says(page, '.stats', /Waiting9/);
    await page.keyboard.press('p');
    await says(page, '.live', /Paused · as of \d\d:\d\d:\d\d UTC/);
    fake.failure = new SignalboxError('SB-2001', 'db:5432');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await says(page, '.stats', /Waiting9/);
    fake.failure = null;
    await page.keyboard.press('p');
    await says(page, '.live', /Live/);
  });

  it('a defect of one list does not take the page with it', async () => {
    const lists = new FakeWorld().lists;
    const broken = {
      ...lists,
      attention: async () => {
        throw new TypeError('inner');
      },
    };
    const { page } = await show({ lists: broken });
    await says(page, '.lines', /P00/);
  });
});

describe('many', () => {
  const MANY = 100_000;
  const names = Array.from({ length: MANY }, (_, index) => `ATM-${String(index).padStart(6, '0')}`);
  const lists = (fake: FakeWorld) => ({
    ...fake.lists,
    openLocations: async () => [
      { ...OPEN_LOCATION, location: 'ATM-050000', state: 'held' as const },
      ...names
        .filter((_, index) => index % 20 === 7)
        .map((location) => ({ ...OPEN_LOCATION, location, state: 'executing' as const, waiting: 0 })),
    ],
    locationNames: async (after: string | null, limit: number) => {
      const from = after === null ? 0 : names.indexOf(after) + 1;
      return names.slice(from, from + limit);
    },
  });

  it('100,000 locations: the table draws the rows in view only, and scrolls to the last', async () => {
    const { page } = await show({ lists: lists(new FakeWorld()) }, { path: '/locations' });
    await says(page, '.title', /100,000 known; 1 held/);
    await says(page, '.vt tbody', /^.{0,4}heldATM-050000/);
    const rows = await page.locator('.vt tbody tr').count();
    assert.ok(rows < 100, `${rows} rows are drawn`);
    await page.evaluate('document.querySelector(".vt").scrollTop = 1e9');
    await says(page, '.vt tbody', /ATM-099999/);
    assert.ok((await page.locator('.vt tbody tr').count()) < 100);
  });

  it('100,000 locations: the diagram is cut into sections, and an exception never rounds away', async () => {
    const { page } = await show({ lists: lists(new FakeWorld()) });
    await says(page, '.lines', /P00/);
    assert.equal(await page.locator('.sec').count(), 2 * 48);
    assert.equal(await page.locator('.sec.held').count(), 1);
    const label = await page.locator('.sec.held').getAttribute('aria-label');
    assert.match(label ?? '', /1 held/);
    await page.locator('.sec.held').click();
    await says(page, '.vt tbody', /ATM-050000/);
    assert.match(page.url(), /partition%3A\d\+from%3AATM-\d+\+to%3AATM-\d+/);
  });

  it('rows do not move under the pointer: a new order waits until it is asked for', async () => {
    const { page, fake } = await show();
    await says(page, '.att', /ATM-1/);
    await page.hover('.att a.row');
    fake.attention = [
      { ...(fake.attention[0] ?? assert.fail()), id: 'T-9', location: 'ATM-9', state: 'held', behind: 99 },
      ...fake.attention,
    ];
    await says(page, '.waits', /rows? changed, show/);
    assert.match((await page.textContent('.att a.row')) ?? '', /ATM-1/);
    await page.click('.waits');
    await says(page, '.att a.row', /heldATM-9/);
  });
});

describe('the first visit', () => {
  it('loads less than 250 KB, compressed', async () => {
    const fake = new FakeWorld();
    const api = createApi(fake.doors());
    closings.push(() => api.close());
    const html = (await api.inject('/')).body;
    const paths = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].flatMap(([, path]) => path ?? []);
    let bytes = Buffer.byteLength(html);
    for (const url of paths) {
      const answer = await api.inject({ url, headers: { 'accept-encoding': 'gzip' } });
      assert.equal(answer.statusCode, 200, url);
      assert.match(String(answer.headers['content-security-policy']), /script-src 'self'/);
      bytes += answer.rawPayload.length;
    }
    assert.ok(paths.length >= 3, html);
    assert.ok(bytes < 250_000, `${bytes} bytes`);
    assert.doesNotMatch(html, /<script>|<style|style="|onclick=/);
  });

  it('without a record tells how to send one', async () => {
    const fake = new FakeWorld();
    const empty = {
      read: {
        ...fake.read,
        status: async () => ({ ...(await fake.read.status()), completed: 0, rolledBack: 0 }),
      },
      lists: { ...fake.lists, openLocations: async () => [], locationNames: async () => [] },
    };
    const { page } = await show(empty);
    await says(page, 'h1', /The line is clear. No record has arrived yet./);
    await assertAccessible(page);
  });
});
