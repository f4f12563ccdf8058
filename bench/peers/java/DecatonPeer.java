import com.linecorp.decaton.processor.DecatonProcessor;
import com.linecorp.decaton.processor.TaskMetadata;
import com.linecorp.decaton.processor.runtime.DecatonTask;
import com.linecorp.decaton.processor.runtime.ProcessorProperties;
import com.linecorp.decaton.processor.runtime.ProcessorsBuilder;
import com.linecorp.decaton.processor.runtime.Property;
import com.linecorp.decaton.processor.runtime.StaticPropertySupplier;
import com.linecorp.decaton.processor.runtime.SubPartitionRuntime;
import com.linecorp.decaton.processor.runtime.SubscriptionBuilder;
import com.linecorp.decaton.processor.runtime.TaskExtractor;

/** LINE Decaton: a virtual thread for each key, or a pool of threads onto which keys are hashed. */
public class DecatonPeer {
  /** 8 partitions make it 1,000 threads. */
  private static final int PARTITION_CONCURRENCY = 125;

  public static void main(String[] arguments) throws Exception {
    Job job = new Job(arguments[0]);
    Handler handler = new Handler(job, new Tracker(job));
    boolean pool = job.peer.endsWith("thread-pool");
    TaskExtractor<Fields> extractor = record ->
      new DecatonTask<>(TaskMetadata.builder().build(), new Fields(record.value()), record.value());
    var subscription = SubscriptionBuilder.newBuilder("bench")
      .processorsBuilder(ProcessorsBuilder.consuming(job.topic, extractor)
        .thenProcess((DecatonProcessor<Fields>) (context, fields) -> handler.handle(fields)))
      .consumerConfig(job.consumerProperties())
      .addProperties(StaticPropertySupplier.of(Property.ofStatic(ProcessorProperties.CONFIG_PARTITION_CONCURRENCY, PARTITION_CONCURRENCY)))
      .subPartitionRuntime(pool ? SubPartitionRuntime.THREAD_POOL : SubPartitionRuntime.VIRTUAL_THREAD)
      .buildAndStart();
    handler.finish(subscription);
  }
}
