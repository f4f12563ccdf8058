/** The contract of TransactionLog on a real broker. */
import { after, test } from 'node:test';
import { testKafka } from '../../../test/fixtures/kafka.ts';
import { KafkaFixture } from '../../../test/fixtures/kafka-log.ts';
import { transactionLogConformance } from '../../conformance/transaction-log.ts';

const kafka = await testKafka();
if ('skip' in kafka) test('Kafka log', { skip: kafka.skip });
else {
  after(() => kafka.stop());
  transactionLogConformance('Kafka', () => KafkaFixture.make(kafka));
}
