import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import io.confluent.parallelconsumer.reactor.ReactorProcessor;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import reactor.core.publisher.Mono;

/** Confluent Parallel Consumer, ordering by key: core with a thread for each record under way, or reactor. */
public class ParallelConsumerPeer {
  private static final int AT_ONCE = 1_000;

  public static void main(String[] arguments) throws Exception {
    Job job = new Job(arguments[0]);
    Tracker tracker = new Tracker(job);
    Handler handler = new Handler(job, tracker);
    Properties properties = job.consumerProperties();
    properties.put("enable.auto.commit", "false");
    var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
    var options = ParallelConsumerOptions.<String, byte[]>builder()
      .ordering(ParallelConsumerOptions.ProcessingOrder.KEY).consumer(consumer).maxConcurrency(AT_ONCE).build();
    handler.finish(job.peer.endsWith("reactor") ? reactor(options, handler) : core(options, handler));
  }

  private static AutoCloseable core(ParallelConsumerOptions<String, byte[]> options, Handler handler) {
    var processor = ParallelStreamProcessor.createEosStreamProcessor(options);
    processor.subscribe(List.of(handler.job.topic));
    processor.poll(context -> handler.handle(context.value()));
    return processor;
  }

  private static AutoCloseable reactor(ParallelConsumerOptions<String, byte[]> options, Handler handler) {
    Job job = handler.job;
    var processor = new ReactorProcessor<>(options);
    processor.subscribe(List.of(job.topic));
    processor.react(context -> {
      Fields fields = new Fields(context.value());
      handler.tracker.start(fields);
      if (fields.location.equals(job.stuckLocation)) return Mono.never();
      if (job.handlerMs > 0) return Mono.delay(Duration.ofMillis(job.handlerMs)).doOnNext(tick -> handler.tracker.end(fields));
      handler.tracker.end(fields);
      // An empty Mono makes it stand still.
      return Mono.just(1L);
    });
    return processor;
  }
}
