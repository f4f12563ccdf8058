/** Asks the API. Every refusal is an ApiProblem with the code, cause and remedy of the catalogue. */

interface ProblemBody {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
  readonly status: number;
}

export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
  /** 0: nobody answered. */
  readonly status: number;

  constructor(body: ProblemBody) {
    super(`${body.code} ${body.title} ${body.detail}`);
    this.code = body.code;
    this.title = body.title;
    this.detail = body.detail;
    this.remedy = body.remedy;
    this.status = body.status;
  }
}

const NOBODY: ProblemBody = {
  code: 'SB-6005',
  title: 'This worker does not answer.',
  detail: '',
  remedy: 'It may be restarting; the page tries again by itself.',
  status: 0,
};

export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  return await send<T>('GET', path, undefined, signal);
}

export async function act<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body: object = {}): Promise<T> {
  return await send<T>(method, path, JSON.stringify(body));
}

async function send<T>(method: string, path: string, body?: string, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiProblem(NOBODY);
  }
  if (answer.ok) return (await answer.json()) as T;
  throw new ApiProblem(await problemIn(answer));
}

async function problemIn(answer: Response): Promise<ProblemBody> {
  try {
    const body = (await answer.json()) as Partial<ProblemBody>;
    if (typeof body.code === 'string') return { ...NOBODY, ...body, status: answer.status };
  } catch {
    // Something between us and the worker answered.
  }
  return { ...NOBODY, detail: `status ${answer.status}`, status: answer.status };
}

/** `?a=1&b=2` of what is set. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const set = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const text = new URLSearchParams(set).toString();
  return text === '' ? '' : `?${text}`;
}
