/** A real Chromium that installs from a package, and what is asked of each page in it. */
import assert from 'node:assert/strict';
import chromium from '@sparticuz/chromium';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium as browsers, type Page } from 'playwright-core';

export async function launch(): Promise<Browser> {
  const executablePath = await chromium.executablePath();
  // Its own arguments are for small functions in a cloud: one process, which ends with its first page.
  const args = chromium.args.filter((each) => !/single-process|no-zygote|web-security/.test(each));
  return await browsers.launch({ args, executablePath, headless: true });
}

export interface Opened {
  readonly page: Page;
  /** What the browser complained about: errors of scripts and of the policy. */
  readonly complaints: string[];
}

export async function open(browser: Browser, url: string, view: BrowserContextOptions = {}): Promise<Opened> {
  const page = await browser.newPage({ locale: 'en-US', viewport: { width: 1440, height: 900 }, ...view });
  const complaints: string[] = [];
  page.on('console', (message) => {
    // A question that was refused, or that nobody answered, is told by the page itself.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}

/** WCAG 2.2 A and AA by axe-core: no violation of any impact but those that axe calls minor. */
export async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate(`axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  })`)) as axe.AxeResults;
  const serious = found.violations.filter(({ impact }) => impact !== 'minor');
  assert.deepEqual(
    serious.map(
      ({ id, impact, nodes }) =>
        `${impact} ${id}: ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary}`,
    ),
    [],
  );
  assert.ok(found.passes.length > 10, 'axe looked at something');
}

/** The page does not scroll sideways. */
export async function assertNoOverflow(page: Page): Promise<void> {
  const [inner, outer] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number];
  assert.ok(inner <= outer, `${page.url()}: ${inner} px of content in ${outer} px`);
}
