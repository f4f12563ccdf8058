/** Signing in at an OpenID provider, for the page. */
import type { Identity } from './identity.ts';

/** Kept in a cookie between leaving for the provider and coming back. */
export interface SignInState {
  readonly state: string;
  readonly verifier: string;
  readonly nonce: string;
}

export interface SignIn {
  /** Where the browser goes, and what has to be remembered. Throws SB-6017 when the provider does not answer. */
  begin(redirectUrl: string): Promise<{ readonly url: string; readonly remember: SignInState }>;
  /**
   * Who came back with this URL. Throws SB-6003 when the provider did not say so, SB-6004 when it gives no role, SB-6017
   * when it does not answer.
   */
  finish(url: URL, remembered: SignInState): Promise<Identity>;
}
