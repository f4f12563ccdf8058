/** Signing in: with a token, or at the OpenID provider. */
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem, act } from '../api/client.ts';
import { Logo } from '../shell/top-bar.tsx';

export function SignInPage({
  openId = false,
  unreachable = false,
}: {
  readonly openId?: boolean;
  readonly unreachable?: boolean;
}) {
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const signIn = async () => {
    setProblem(null);
    try {
      await act('POST', '/v1/session', { token: token.trim() });
      await client.invalidateQueries();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error);
    }
  };
  return (
    <main className="sign" id="main">
      <p className="brand">
        <Logo /> Signalbox
      </p>
      {unreachable ? (
        <p>
          This worker does not answer.{' '}
          <button className="btn" type="button" onClick={() => void client.invalidateQueries()}>
            Try again
          </button>
        </p>
      ) : (
        <section className="panel" aria-label="Sign in">
          <form
            className="dbody"
            onSubmit={(event) => {
              event.preventDefault();
              void signIn();
            }}
          >
            <h1>Sign in</h1>
            <div className="field">
              <label htmlFor="token">Token</label>
              <input
                id="token"
                type="password"
                autoComplete="off"
                required
                value={token}
                onChange={(event) => setToken(event.target.value)}
              />
            </div>
            {problem !== null && (
              <p role="alert">
                <span className="warn">{problem.title}</span> {problem.detail}. {problem.remedy}{' '}
                <span className="mono dim">{problem.code}</span>
              </p>
            )}
            <button className="btn pri" type="submit">
              Sign in
            </button>
            {openId && (
              <a className="btn" href="/v1/session/begin">
                Sign in with your organisation
              </a>
            )}
            <p className="dim">
              A token is in the file that the log names at start, or comes from whoever keeps the tokens file.
              Beyond this browser only its hash is stored.
            </p>
          </form>
        </section>
      )}
    </main>
  );
}
