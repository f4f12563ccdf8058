import { PostgresLedgerFixture } from '../../../test/fixtures/postgres-ledger.ts';
import { ledgerConformance } from '../../conformance/ledger.ts';

ledgerConformance('Postgres', () => PostgresLedgerFixture.make());
