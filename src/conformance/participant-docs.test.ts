/** The page and the OpenAPI document of the participant contract say what Signalbox sends and accepts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseCapabilities } from '../adapters/http/capabilities.ts';
import { HttpParticipant } from '../adapters/http/http-participant.ts';
import { realWorld } from '../adapters/node/world.ts';
import type { CallKind } from '../core/answer.ts';
import { classify } from '../core/classify.ts';
import { Caller } from './participant-caller.ts';

const folder = join(import.meta.dirname, '../../docs/reference');
const page = readFileSync(join(folder, 'participant.md'), 'utf8');

interface Operation {
  readonly parameters: readonly { readonly $ref: string }[];
  readonly responses: {
    readonly 200: {
      readonly content: {
        readonly 'application/json': {
          readonly schema: { readonly oneOf: readonly { readonly $ref: string }[] };
          readonly examples: Readonly<Record<string, { readonly value: { readonly outcome: string } }>>;
        };
      };
    };
  };
}

interface Document {
  readonly paths: Readonly<Record<string, { readonly post: Operation }>>;
  readonly components: {
    readonly parameters: Readonly<Record<string, { readonly name: string; readonly in: string }>>;
    readonly schemas: {
      readonly Step: { readonly required: readonly string[] };
      readonly [name: string]: object;
    };
  };
}

const document = JSON.parse(readFileSync(join(folder, 'participant.openapi.json'), 'utf8')) as Document;
const KINDS: readonly CallKind[] = ['execute', 'status', 'reverse'];

function operationOf(kind: CallKind): Operation {
  const path = document.paths[`/v1/steps/{key}/${kind}`];
  assert.ok(path !== undefined, kind);
  return path.post;
}

function answersOf(kind: CallKind): Operation['responses'][200]['content']['application/json'] {
  return operationOf(kind).responses[200].content['application/json'];
}

function fits(kind: CallKind, body: unknown): boolean {
  return classify(kind, body).outcome !== 'unknown';
}

describe('participant.openapi.json', () => {
  const every = KINDS.flatMap((kind) => Object.values(answersOf(kind).examples));

  for (const kind of KINDS) {
    it(`${kind}: shows exactly the answers that are accepted`, () => {
      const { examples, schema } = answersOf(kind);
      for (const [outcome, { value }] of Object.entries(examples)) {
        assert.equal(value.outcome, outcome);
        assert.deepEqual(classify(kind, value), value);
      }
      const accepted = new Set(
        every.filter(({ value }) => fits(kind, value)).map(({ value }) => value.outcome),
      );
      assert.deepEqual(new Set(Object.keys(examples)), accepted);
      const schemas = schema.oneOf.map(({ $ref }) => $ref.replace('#/components/schemas/', ''));
      assert.deepEqual(new Set(schemas.map((name) => name.toLowerCase())), accepted);
      for (const name of schemas) assert.ok(name in document.components.schemas, name);
    });

    it(`${kind}: names exactly the headers and fields that are sent`, async () => {
      const { headers, body } = await sentFor(kind);
      const parameters = operationOf(kind).parameters.map(({ $ref }) =>
        $ref.replace('#/components/parameters/', ''),
      );
      const named = parameters
        .map((name) => document.components.parameters[name])
        .filter((parameter) => parameter?.in === 'header')
        .map((parameter) => String(parameter?.name).toLowerCase())
        .filter((name) => name !== 'traceparent');
      const ours = Object.keys(headers).filter((name) => /^(idempotency-key|signalbox-)/.test(name));
      assert.deepEqual(new Set(ours), new Set(named));
      assert.deepEqual(Object.keys(body), document.components.schemas.Step.required);
    });
  }

  it('shows capabilities that are accepted', () => {
    const text = JSON.stringify(document.paths['/v1/capabilities']);
    const example: unknown = JSON.parse(/"example":(\{[^}]*\})/.exec(text)?.[1] ?? 'null');
    assert.deepEqual(parseCapabilities(example), example);
  });
});

describe('participant.md', () => {
  it('lists each answer with the calls it fits', () => {
    const rows = [...page.matchAll(/^\| `(\{"outcome".*?\})` \| ([a-z, ]+) \|/gm)];
    assert.ok(rows.length >= 8);
    const listed = new Set<string>();
    for (const [, text = '', calls = ''] of rows) {
      const body = JSON.parse(text) as { outcome: string };
      const kinds = calls === 'all' ? KINDS : calls.split(', ');
      for (const kind of kinds) {
        assert.ok(fits(kind as CallKind, body), `${text} to ${kind}`);
        listed.add(`${body.outcome} ${kind}`);
      }
    }
    const accepted = KINDS.flatMap((kind) =>
      Object.keys(answersOf(kind).examples).map((outcome) => `${outcome} ${kind}`),
    );
    assert.deepEqual(listed, new Set(accepted));
  });

  it('has examples that parse, capabilities among them', () => {
    const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(
      ([, text = '']) => JSON.parse(text) as object,
    );
    assert.equal(examples.length, 2);
    assert.deepEqual(Object.keys(examples[0] ?? {}), document.components.schemas.Step.required);
    assert.deepEqual(parseCapabilities(examples[1]), examples[1]);
  });
});

async function sentFor(
  kind: CallKind,
): Promise<{ headers: IncomingHttpHeaders; body: Record<string, unknown> }> {
  const sent = Promise.withResolvers<{ headers: IncomingHttpHeaders; body: Record<string, unknown> }>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      sent.resolve({ headers: request.headers, body });
      response.end('{"outcome":"pending"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const participant = new HttpParticipant(realWorld(), { endpoint: `http://127.0.0.1:${port}` });
  const common = {
    participant,
    location: 'atm-042',
    type: 'withdraw',
    data: {},
    prefix: 'p',
    firstToken: 1n,
    hasStatus: true,
  };
  const caller = new Caller({ ...common, timeoutMs: 5_000 });
  const answer = await caller.call(kind, caller.key());
  await participant.close();
  server.closeAllConnections();
  server.close();
  assert.deepEqual(answer, { outcome: 'pending' });
  return sent.promise;
}
