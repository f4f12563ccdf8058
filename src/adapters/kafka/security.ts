/** TLS and SASL settings as the client's connection options. */
import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaConnectionSettings, SaslSettings } from './settings.ts';

export type SecurityOptions = Pick<ConnectionOptions, 'tls' | 'tlsServerName' | 'sasl'>;

export function securityOptions(settings: Pick<KafkaConnectionSettings, 'tls' | 'sasl'>): SecurityOptions {
  const { tls, sasl } = settings;
  const options: SecurityOptions = {};
  if (tls !== undefined && tls !== false) {
    options.tls = tls === true ? {} : tls;
    // SNI with the name of the broker connected to, unless the settings name another.
    options.tlsServerName = (tls === true ? undefined : tls.servername) ?? true;
  }
  if (sasl !== undefined) options.sasl = saslOptions(sasl);
  return options;
}

function saslOptions(sasl: SaslSettings): NonNullable<ConnectionOptions['sasl']> {
  if (sasl.mechanism !== 'OAUTHBEARER') {
    return { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password };
  }
  const { token, extensions } = sasl;
  const options = { mechanism: sasl.mechanism, token };
  return extensions === undefined ? options : { ...options, oauthBearerExtensions: { ...extensions } };
}
