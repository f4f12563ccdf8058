/**
 * The configured endpoint of a participant: one URL for all locations, or a template with `{location}` for
 * controllers of their own.
 * E1 the scheme, the port and at least the end of the host are fixed by the configuration: what a producer
 *    writes as location can choose a machine below a configured domain, never a host of its own.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';

const HOLE = '{location}';

export interface Target {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path before `/v1/…`, without a slash at its end. */
  readonly path: string;
}

export class Endpoint {
  readonly #template: string;
  /** The one target when the template has no hole. */
  readonly #fixed: Target | null;

  /** Throws SB-5002 for a template that is not an http(s) URL of the shape above. */
  constructor(template: string) {
    const problem = problemOf(template);
    if (problem !== null) throw new SignalboxError('SB-5002', `endpoint: ${problem}`, { final: true });
    this.#template = template;
    this.#fixed = template.includes(HOLE) ? null : targetOf(template);
  }

  /** Null when the location cannot stand in the URL (a host name is stricter than a location). */
  of(location: string): Target | null {
    if (this.#fixed !== null) return this.#fixed;
    // A bare "." or ".." as a path segment would be resolved away.
    const text = location === '.' || location === '..' ? location.replaceAll('.', '%2E') : location;
    try {
      return targetOf(this.#template.replaceAll(HOLE, text));
    } catch {
      return null;
    }
  }
}

function targetOf(text: string): Target {
  const { origin, host } = new URL(text);
  // The path is taken as it was written: a URL parser would resolve and re-encode parts of it.
  const afterHost = text.indexOf('/', text.indexOf('//') + 2);
  const path = afterHost === -1 ? '' : text.slice(afterHost).replace(/\/+$/, '');
  if (host === '') throw new TypeError('no host');
  return { origin, path };
}

function problemOf(template: string): string | null {
  let url: URL;
  try {
    url = new URL(template.replaceAll(HOLE, 'x'));
  } catch {
    return 'not a URL';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'the scheme must be http or https';
  if (url.username !== '' || url.password !== '') return 'put credentials into headers, not into the URL';
  if (url.search !== '' || url.hash !== '' || template.includes('?')) return 'no query and no fragment';
  if (!/^[!-~]*$/.test(url.pathname)) return 'the path must be printable ASCII';
  const authority = template.slice(template.indexOf('//') + 2).split('/', 1)[0] ?? '';
  if (!authority.includes(HOLE)) return null;
  const [before = '', after = ''] = authority.split(HOLE);
  const suffix = after.split(':', 1)[0] ?? '';
  const once = authority.indexOf(HOLE) === authority.lastIndexOf(HOLE);
  if (!once || before.includes('.') || !/^[A-Za-z0-9-]*\.[A-Za-z0-9.-]*[A-Za-z0-9-]$/.test(suffix)) {
    return `in the host ${HOLE} must be followed by a fixed domain, as in http://${HOLE}.dispensers.internal:8080`;
  }
  return null;
}
