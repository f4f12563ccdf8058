/** The command against the simulated site in each grade and with each rule broken, and against one that says anything. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { HttpParticipant } from '../adapters/http/http-participant.ts';
import { realWorld } from '../adapters/node/world.ts';
import { type Conformance, runParticipantRules } from '../conformance/participant-run.ts';
import { GRADES } from '../core/grade.ts';
import { RULES } from '../site/careless-register.ts';
import { Site, type SiteOptions } from '../site/site.ts';
import { conformanceCommand } from './conformance-command.ts';

const DATA = { amount: 2_000, currency: 'EUR' };
const folder = mkdtempSync(join(tmpdir(), 'signalbox-conformance-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** With a participant at this address. */
async function withParticipant<T>(endpoint: string, work: (one: HttpParticipant) => Promise<T>): Promise<T> {
  const participant = new HttpParticipant(realWorld(), { endpoint });
  try {
    return await work(participant);
  } finally {
    await participant.close();
  }
}

const subject = (participant: HttpParticipant) => ({
  participant,
  location: 'conformance',
  type: 'withdraw',
  data: DATA,
  prefix: 'c',
  timeoutMs: 5_000,
});

async function withSite<T>(
  options: Pick<SiteOptions, 'grade' | 'breaks'>,
  work: (one: HttpParticipant) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(folder, 'site-'));
  const site = await Site.start({ directory, port: 0, seed: 'c', delayMs: [5, 20], ...options });
  try {
    return await withParticipant(site.url, work);
  } finally {
    await site.stop();
  }
}

/** The command, and what it writes. */
async function command(participant: HttpParticipant): Promise<{ code: number; output: string }> {
  const lines: string[] = [];
  const out = (text: string): void => void lines.push(text);
  const code = await conformanceCommand(subject(participant), {
    json: false,
    tty: false,
    columns: 100,
    out,
    err: out,
  });
  return { code, output: lines.join('\n') };
}

const brokenRules = ({ findings }: Conformance): string[] =>
  findings.filter(({ status }) => status === 'fail').map(({ rule, name }) => `${rule} ${name}`);

describe('conformance', () => {
  const seen = new Map<string, string>();
  const remember = (what: string, found: Conformance): void => {
    const print = `${found.grade} ${found.claims} ${brokenRules(found).join('; ')}`;
    assert.equal(seen.get(print), undefined, `${what} looks like ${seen.get(print)}: ${print}`);
    seen.set(print, what);
  };

  for (const grade of GRADES) {
    it(`a site of grade ${grade} keeps to what it says, and to no more`, async () => {
      const found = await withSite({ grade }, (one) => runParticipantRules(subject(one)));
      assert.equal(found.grade, grade, brokenRules(found).join('\n'));
      assert.equal(found.claims, grade === 'G0' ? null : grade);
      remember(`grade ${grade}`, found);
    });
  }

  for (const breaks of RULES) {
    it(`a site that breaks rule ${breaks} is found out, and told from all others`, async () => {
      const found = await withSite({ breaks }, (one) => runParticipantRules(subject(one)));
      assert.equal(found.claims, 'G3');
      assert.notEqual(found.grade, 'G3');
      const broken = brokenRules(found);
      assert.ok(
        broken.some((each) => each.startsWith(`(${breaks})`)),
        broken.join('\n'),
      );
      remember(`rule ${breaks} broken`, found);
    });
  }

  it('says the grade, and of a broken rule the exchange that broke it', async () => {
    const kept = await withSite({ grade: 'G3' }, command);
    assert.equal(kept.code, 0, kept.output);
    assert.match(kept.output, /^grade G3: /m);
    const honest = await withSite({ grade: 'G1' }, command);
    assert.equal(honest.code, 0, honest.output);
    const broken = await withSite({ breaks: 4 }, command);
    assert.equal(broken.code, 1);
    assert.match(
      broken.output,
      /fail \(4\)[\s\S]*reverse c-\d+-\d+:apply, slot 1, token \d+: {"outcome":"reversed"}/,
    );
    assert.match(broken.output, /it does not keep to what it says/);
  });

  it('an endpoint that says done to everything is no participant', async (context) => {
    const server = createServer((_, response) => response.end('{"outcome":"done","evidence":{}}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => server.close());
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const { code, output } = await withParticipant(`http://127.0.0.1:${address.port}`, command);
    assert.match(output, /^grade G0: /m);
    assert.match(output, /counts as G0/);
    assert.equal(code, 0);
  });
});
