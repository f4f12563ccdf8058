import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.util.Properties;

/** As job.ts. */
final class Job {
  final String peer, work, broker, topic, group, stuckLocation, postgresUrl, doneLog;
  final int records, expected, warmUp;
  final long handlerMs, timeoutMs, lingerMs;
  final Integer sessionTimeoutMs;

  Job(String json) throws Exception {
    JsonNode node = new ObjectMapper().readTree(json);
    peer = node.get("peer").asText();
    work = node.get("work").asText();
    broker = node.get("broker").asText();
    topic = node.get("topic").asText();
    group = node.get("group").asText();
    stuckLocation = textOrNull(node.get("stuckLocation"));
    postgresUrl = textOrNull(node.get("postgresUrl"));
    doneLog = textOrNull(node.get("doneLog"));
    records = node.get("records").asInt();
    expected = node.get("expected").asInt();
    warmUp = node.get("warmUp").asInt();
    handlerMs = node.get("handlerMs").asLong();
    timeoutMs = node.get("timeoutMs").asLong();
    lingerMs = node.get("lingerMs").asLong();
    sessionTimeoutMs = node.get("sessionTimeoutMs").isNull() ? null : node.get("sessionTimeoutMs").asInt();
  }

  Properties consumerProperties() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", broker);
    properties.put("group.id", group);
    properties.put("client.id", "bench");
    properties.put("auto.offset.reset", "earliest");
    if (sessionTimeoutMs != null) properties.put("session.timeout.ms", String.valueOf(sessionTimeoutMs));
    return properties;
  }

  URI postgres() {
    return URI.create(postgresUrl);
  }

  private static String textOrNull(JsonNode node) {
    return node.isNull() ? null : node.asText();
  }
}
