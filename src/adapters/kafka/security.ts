/** TLS and SASL settings as the client's connection options. */
import { isIP } from 'node:net';
import { AuthenticationError, type ConnectionOptions, parseBroker } from '@platformatic/kafka';
import type { BrokerAddress, KafkaConnectionSettings, SaslSettings } from './settings.ts';

export type SecurityOptions = Pick<ConnectionOptions, 'tls' | 'tlsServerName' | 'sasl'>;

export function securityOptions(
  settings: Pick<KafkaConnectionSettings, 'brokers' | 'tls' | 'sasl'>,
): SecurityOptions {
  const { brokers, tls, sasl } = settings;
  const options: SecurityOptions = {};
  if (tls !== undefined && tls !== false) {
    options.tls = tls === true ? {} : tls;
    const named = tls === true ? undefined : tls.servername;
    // SNI is the name of the broker connected to, unless the settings name another. Addresses may not be used for it.
    if (named !== undefined) options.tlsServerName = named;
    else if (!parseBrokers(brokers).some(({ host }) => isIP(host) !== 0)) options.tlsServerName = true;
  }
  if (sasl !== undefined) options.sasl = saslOptions(sasl);
  return options;
}

export function parseBrokers(brokers: readonly string[]): BrokerAddress[] {
  return brokers.map((broker) => parseBroker(broker.trim(), 9092));
}

function saslOptions(sasl: SaslSettings): NonNullable<ConnectionOptions['sasl']> {
  if (sasl.mechanism !== 'OAUTHBEARER') {
    return { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password };
  }
  const { token, extensions } = sasl;
  const options = { mechanism: sasl.mechanism, token, authBytesValidator: refuseInvalidToken };
  return extensions === undefined ? options : { ...options, oauthBearerExtensions: { ...extensions } };
}

type Validator = NonNullable<NonNullable<ConnectionOptions['sasl']>['authBytesValidator']>;

/** The broker says "invalid token" in an answer that is no error; the client's own validator then goes on all the same. */
const refuseInvalidToken: Validator = (bytes, callback) => {
  if (bytes.length === 0) callback(null, bytes);
  else callback(new AuthenticationError(`The broker refused the token: ${bytes.toString().slice(0, 200)}`));
};
