import java.io.FileOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

/** The bookkeeping of tracker.ts, in the same steps, for handlers on many threads. */
final class Tracker {
  private static final int LOCATIONS_MAX = 10_000;
  final CountDownLatch all = new CountDownLatch(1);
  private final Job job;
  private final AtomicIntegerArray running = new AtomicIntegerArray(LOCATIONS_MAX), last = new AtomicIntegerArray(LOCATIONS_MAX), ended;
  private final long[] latencyMicros;
  private final AtomicInteger done = new AtomicInteger(), doubled = new AtomicInteger(), outOfOrder = new AtomicInteger();
  private final AtomicInteger overlapping = new AtomicInteger(), inFlight = new AtomicInteger(), inFlightMax = new AtomicInteger();
  private final AtomicLong firstNanos = new AtomicLong(), lastNanos = new AtomicLong();
  private final FileOutputStream doneLog;

  Tracker(Job job) throws Exception {
    this.job = job;
    ended = new AtomicIntegerArray(job.records);
    latencyMicros = new long[job.records];
    doneLog = job.doneLog == null ? null : new FileOutputStream(job.doneLog, true);
    for (int place = 0; place < LOCATIONS_MAX; place++) last.set(place, -1);
  }

  void start(Fields fields) {
    if (firstNanos.get() == 0) firstNanos.compareAndSet(0, System.nanoTime());
    if (running.incrementAndGet(fields.place) > 1) overlapping.incrementAndGet();
    int before = last.getAndSet(fields.place, fields.sequence);
    if (fields.sequence != before + 1) {
      if (fields.sequence <= before && ended.get(fields.number) == 1) doubled.incrementAndGet();
      else outOfOrder.incrementAndGet();
    }
    int now = inFlight.incrementAndGet();
    if (now > inFlightMax.get()) inFlightMax.accumulateAndGet(now, Math::max);
  }

  void end(Fields fields) {
    if (doneLog != null) note(fields);
    running.decrementAndGet(fields.place);
    inFlight.decrementAndGet();
    Instant now = Instant.now();
    latencyMicros[fields.number] = now.getEpochSecond() * 1_000_000L + now.getNano() / 1_000 - fields.ts;
    if (!ended.compareAndSet(fields.number, 0, 1)) return;
    lastNanos.set(System.nanoTime());
    if (done.incrementAndGet() == job.expected) all.countDown();
  }

  void report() throws Exception {
    double ms = (lastNanos.get() - firstNanos.get()) / 1e6;
    long[] counted = new long[job.records];
    int count = 0;
    for (int number = job.warmUp; number < job.records; number++) if (ended.get(number) == 1) counted[count++] = latencyMicros[number];
    counted = Arrays.copyOf(counted, count);
    Arrays.sort(counted);
    var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    System.out.printf(Locale.ROOT,
      "RESULT {\"done\":%d,\"complete\":%b,\"ms\":%.2f,\"perSecond\":%.2f,\"cpuSeconds\":%.2f,\"rssMb\":%d,\"doubled\":%d,\"outOfOrder\":%d,"
        + "\"overlapping\":%d,\"inFlightMax\":%d,\"p50Ms\":%.2f,\"p99Ms\":%.2f,\"maxMs\":%.2f}%n",
      done.get(), done.get() >= job.expected, ms, ms == 0 ? 0 : 1_000 * done.get() / ms, system.getProcessCpuTime() / 1e9, rssMb(), doubled.get(),
      outOfOrder.get(), overlapping.get(), inFlightMax.get(), at(counted, 0.5), at(counted, 0.99), at(counted, 1));
    System.out.flush();
  }

  private static double at(long[] sorted, double share) {
    return sorted.length == 0 ? 0 : sorted[Math.min(sorted.length - 1, (int) (sorted.length * share))] / 1_000.0;
  }

  private static long rssMb() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status")))
      if (line.startsWith("VmHWM")) return Long.parseLong(line.replaceAll("\\D", "")) / 1_024;
    return 0;
  }

  private void note(Fields fields) {
    try {
      doneLog.write((fields.number + " " + fields.place + " " + fields.sequence + "\n").getBytes());
    } catch (Exception failure) {
      throw new RuntimeException(failure);
    }
  }
}
