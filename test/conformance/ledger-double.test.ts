/** The simulated ledger keeps the contract that the real one keeps (src/adapters/postgres/ledger.test.ts). */
import { ledgerConformance } from '../../src/conformance/ledger.ts';
import { SimLedgerFixture } from './sim-ledger.ts';

ledgerConformance('the simulated ledger', async () => new SimLedgerFixture());
