import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;

/** handler.ts for a thread that may wait. */
final class Handler {
  private static final int CONNECTIONS = 10;
  final Job job;
  final Tracker tracker;
  private final HikariDataSource pool;

  Handler(Job job, Tracker tracker) throws Exception {
    this.job = job;
    this.tracker = tracker;
    pool = job.work.equals("W6") ? pool(job) : null;
  }

  void handle(byte[] value) {
    handle(new Fields(value));
  }

  void handle(Fields fields) {
    tracker.start(fields);
    try {
      if (fields.location.equals(job.stuckLocation)) Thread.sleep(Long.MAX_VALUE);
      else if (job.handlerMs > 0) Thread.sleep(job.handlerMs);
      else if (pool != null) commit(fields);
    } catch (Exception failure) {
      throw new RuntimeException(failure);
    }
    tracker.end(fields);
  }

  /** Waits, reports, closes what is to be closed, and ends the process. */
  void finish(AutoCloseable consumer) throws Exception {
    tracker.all.await(job.timeoutMs, java.util.concurrent.TimeUnit.MILLISECONDS);
    tracker.report();
    Thread.sleep(job.lingerMs);
    Thread closing = new Thread(() -> {
      try {
        consumer.close();
      } catch (Exception ignored) {
        // The measurement is over.
      }
    });
    closing.setDaemon(true);
    if (job.stuckLocation == null) closing.start();
    if (job.stuckLocation == null) closing.join(12_000);
    Runtime.getRuntime().halt(0);
  }

  private void commit(Fields fields) throws Exception {
    try (Connection connection = pool.getConnection();
      PreparedStatement begin = connection.prepareStatement("INSERT INTO tx (id, location, state, amount) VALUES (?, ?, 'begun', ?)")) {
      begin.setLong(1, fields.number);
      begin.setString(2, fields.location);
      begin.setLong(3, fields.amount);
      begin.executeUpdate();
    }
    try (Connection connection = pool.getConnection();
      PreparedStatement finish = connection.prepareStatement("UPDATE tx SET state = 'done', finished = now() WHERE id = ?")) {
      finish.setLong(1, fields.number);
      finish.executeUpdate();
    }
  }

  private static HikariDataSource pool(Job job) throws Exception {
    var url = job.postgres();
    String[] user = url.getUserInfo().split(":", 2);
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl("jdbc:postgresql://" + url.getHost() + ":" + url.getPort() + url.getPath());
    config.setUsername(user[0]);
    config.setPassword(user[1]);
    config.setMaximumPoolSize(CONNECTIONS);
    config.setConnectionTimeout(600_000);
    HikariDataSource pool = new HikariDataSource(config);
    try (Connection connection = pool.getConnection(); Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE tx (id bigint PRIMARY KEY, location text NOT NULL, state text NOT NULL, amount bigint, "
        + "started timestamptz DEFAULT now(), finished timestamptz)");
    }
    return pool;
  }
}
