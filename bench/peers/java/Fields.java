import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Of a record, what the bookkeeping needs. */
final class Fields {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  final int number, place, sequence, amount;
  final long ts;
  final String location;

  Fields(byte[] value) {
    try {
      JsonNode data = MAPPER.readTree(value).get("data");
      number = data.get("number").asInt();
      location = data.get("location").asText();
      place = Integer.parseInt(location.substring(1));
      sequence = data.get("sequence").asInt();
      amount = data.get("amount").asInt();
      ts = data.get("ts").asLong();
    } catch (Exception failure) {
      throw new RuntimeException(failure);
    }
  }
}
