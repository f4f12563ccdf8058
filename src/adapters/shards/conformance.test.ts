import { ShardedLedgerFixture } from '../../../test/fixtures/sharded-ledger.ts';
import { ledgerConformance } from '../../conformance/ledger.ts';

ledgerConformance('two Postgres servers', () => ShardedLedgerFixture.make());
