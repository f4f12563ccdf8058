/** The status page in a real browser: what it draws, what it says when something is away, both themes, a phone. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as browsers, type Page } from 'playwright-core';
import { createApi, listen } from '../../src/api/server.ts';
import { hashOf, Tokens } from '../../src/api/tokens.ts';
import { SignalboxError } from '../../src/core/errors/catalogue.ts';
import { FakeWorld } from '../fixtures/api-fakes.ts';
import { until } from '../integration/processes.ts';

/** The page asks each second. */
const SAYS_MS = 20_000;

let browser: Browser;
before(async () => {
  const executablePath = await chromium.executablePath();
  // Its own arguments are for small functions in a cloud: one process, which ends with its first page.
  const args = chromium.args.filter((each) => !/single-process|no-zygote|web-security/.test(each));
  browser = await browsers.launch({ args, executablePath, headless: true });
});
after(async () => await browser.close());

interface Shown {
  readonly fake: FakeWorld;
  readonly page: Page;
  /** What the browser complained about. */
  readonly complaints: string[];
}

/** Closed when the test ends. */
async function open(
  test: TestContext,
  more = {},
  view: Parameters<Browser['newPage']>[0] = {},
): Promise<Shown> {
  const fake = new FakeWorld();
  // The page compares ages with the server's clock, so that one runs with the real one.
  fake.nowMs = Date.now();
  const clock = setInterval(() => fake.pass(100), 100);
  const api = createApi(fake.doors(more));
  const url = await listen(api, { host: '127.0.0.1', port: 0 });
  const page = await browser.newPage(view);
  test.after(async () => {
    clearInterval(clock);
    await page.close();
    await api.close();
  });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  await page.waitForSelector('#workers tr');
  return { fake, page, complaints };
}

async function says(page: Page, id: string, text: RegExp): Promise<void> {
  let shown: string | null = null;
  await until(
    () => `#${id} says ${shown}, not ${text}`,
    SAYS_MS,
    async () => {
      shown = await page.textContent(`#${id}`);
      return shown !== null && text.test(shown);
    },
  );
}

describe('the status page', () => {
  it('draws status, workers, partitions and open locations, without a complaint of the browser', async (test) => {
    const shown = await open(test);
    await says(shown.page, 'sentence', /1 is in doubt and being asked/);
    await says(shown.page, 'live-word', /^Live$/);
    await says(shown.page, 'as-of', /as of \d\d:\d\d:\d\d UTC/);
    await says(shown.page, 'workers', /w-1.*alive.*0 1/);
    await says(shown.page, 'partitions', /P00w-1230420 of 21/);
    await says(shown.page, 'locations', /ATM-1.*executing.*1\/1.*4/);
    await says(shown.page, 'stats', /Completed40/);
    assert.equal(await shown.page.isVisible('#proof-panel'), false);
    assert.deepEqual(shown.complaints, []);
  });

  it('says stale and since when, while the ledger is away, and goes on when it is back', async (test) => {
    const shown = await open(test);
    shown.fake.failure = new SignalboxError('SB-2001', 'db:5432');
    await says(shown.page, 'sentence', /The ledger cannot be reached since \d\d:\d\d:\d\d UTC \(SB-2001\)/);
    await says(shown.page, 'live-word', /^Stale$/);
    await says(shown.page, 'stats', /Completed40/);
    shown.fake.failure = null;
    await says(shown.page, 'live-word', /^Live$/);
  });

  it('shows the proof of a demo, and says when nothing was checked', async (test) => {
    const proof = {
      overlaps: null as number | null,
      lost: 2,
      doubled: 0,
      checkedRecords: 9,
      checkedEffects: 0,
    };
    const shown = await open(test, { more: () => ({ demo: proof }) });
    await says(
      shown.page,
      'proof',
      /nothing checkedOverlaps.*2Lost.*9 checked.*nothing checkedDouble effects/,
    );
    await says(shown.page, 'where', /^demo$/);
  });

  it('asks for a token where one is needed, and shows locations with it', async (test) => {
    const tokens = new Tokens([{ name: 'eye', role: 'viewer', sha256: hashOf('see') }]);
    const shown = await open(test, { access: { kind: 'tokens', tokens, loopback: true } });
    await shown.page.waitForSelector('#token-form', { state: 'visible' });
    await says(shown.page, 'sentence', /in doubt/);
    await shown.page.fill('#token', 'see');
    await shown.page.click('#token-form button');
    await says(shown.page, 'locations', /ATM-1/);
    await shown.page.waitForSelector('#token-form', { state: 'hidden' });
  });

  it('can be paused, by key too', async (test) => {
    const shown = await open(test);
    await shown.page.keyboard.press('p');
    await says(shown.page, 'live-word', /^Paused$/);
    await shown.page.click('#pause');
    await says(shown.page, 'live-word', /^Live$/);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`is readable in ${colorScheme}: ink against paper at least 4.5 to 1`, async (test) => {
      const shown = await open(test, {}, { colorScheme });
      for (const selector of ['#beside', '.stat .s', 'th', '#sentence b']) {
        const [ink, paper] = await shown.page.evaluate<[number[], number[]]>(`(() => {
          const channels = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
          let at = document.querySelector(${JSON.stringify(selector)});
          const ink = channels(getComputedStyle(at).color);
          while (at && getComputedStyle(at).backgroundColor === 'rgba(0, 0, 0, 0)') at = at.parentElement;
          return [ink, channels(getComputedStyle(at ?? document.documentElement).backgroundColor)];
        })()`);
        assert.ok(contrast(ink, paper) >= 4.5, `${selector}: ${contrast(ink, paper).toFixed(2)}`);
      }
    });
  }

  it('does not scroll sideways on a phone', async (test) => {
    const shown = await open(test, {}, { viewport: { width: 360, height: 800 } });
    await says(shown.page, 'locations', /ATM-1/);
    assert.equal(await shown.page.evaluate('document.documentElement.scrollWidth'), 360);
  });
});

/** WCAG contrast of two sRGB colours, channels 0 to 255. */
function contrast(one: readonly number[], other: readonly number[]): number {
  const [light = 1, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(channels: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = channels.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
