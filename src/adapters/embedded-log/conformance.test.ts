import { EmbeddedLogFixture } from '../../../test/fixtures/embedded-log.ts';
import { transactionLogConformance } from '../../conformance/transaction-log.ts';

transactionLogConformance('embedded log', () => EmbeddedLogFixture.make());
