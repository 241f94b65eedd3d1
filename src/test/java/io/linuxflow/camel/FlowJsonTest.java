// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.ElementRegistry;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.apache.camel.Message;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;

class FlowJsonTest {

    private static final FlowBatch BATCH = TestFlows.ofEachKind();
    private static final long START = TestFlows.START.toEpochMilli();

    private final ObjectMapper mapper = new ObjectMapper();

    @Test
    void anObjectHasTheNamesOfTheElements() throws Exception {
        JsonNode tcp = mapper.readTree(FlowJson.object(BATCH.flow(0)));

        assertThat(tcp)
                .isEqualTo(
                        mapper.readTree(
                                """
                                {"flowStartMilliseconds": %d, "flowEndMilliseconds": %d,
                                 "octetDeltaCount": 300, "packetDeltaCount": 3,
                                 "ipVersion": 4, "protocolIdentifier": 6,
                                 "sourceIPv4Address": "10.0.0.1",
                                 "destinationIPv4Address": "10.0.0.2",
                                 "sourceTransportPort": 1024, "destinationTransportPort": 443,
                                 "ingressInterface": 2, "egressInterface": 3, "flowDirection": 1,
                                 "tcpControlBits": 27, "ipClassOfService": 0,
                                 "minimumTTL": 63, "maximumTTL": 64,
                                 "fragmentIdentification": 0, "flowEndReason": 3}
                                """
                                        .formatted(START, START + 1500)));
    }

    @Test
    void everyNameIsOneOfIanasRegistry() throws Exception {
        for (Flow flow : BATCH) {
            assertThat(FlowJson.map(flow).keySet())
                    .allMatch(name -> ElementRegistry.iana().byName(name).isPresent());
        }
    }

    @Test
    void aFlowHasNoMembersOfAnotherKind() throws Exception {
        assertThat(FlowJson.map(BATCH.flow(1)))
                .containsEntry("sourceIPv6Address", "2001:db8::1")
                .containsEntry("flowLabelIPv6", 0L)
                .doesNotContainKeys("sourceIPv4Address", "icmpTypeCodeIPv6", "dot1qVlanId");
        assertThat(FlowJson.map(BATCH.flow(2)))
                .containsEntry("icmpTypeCodeIPv4", 8L << 8)
                .doesNotContainKeys("sourceTransportPort", "tcpControlBits", "flowLabelIPv6");
        assertThat(FlowJson.map(BATCH.flow(3))).containsEntry("icmpTypeCodeIPv6", 128L << 8);
    }

    @Test
    void theMapEqualsTheObject() throws Exception {
        for (Flow flow : BATCH) {
            JsonNode map = mapper.readTree(mapper.writeValueAsBytes(FlowJson.map(flow)));
            assertThat(map).isEqualTo(mapper.readTree(FlowJson.object(flow)));
        }
    }

    @Test
    void anArrayHasAllFlows() throws Exception {
        JsonNode array = mapper.readTree(FlowJson.array(BATCH));

        assertThat(array).hasSize(4);
        assertThat(array.get(3)).isEqualTo(mapper.readTree(FlowJson.object(BATCH.flow(3))));
        assertThat(mapper.readTree(FlowJson.array(TestFlows.tcp(0, 0)))).isEmpty();
    }

    @Test
    void theLogHasOneObjectALineWithTheKeysOfTheGoProject() {
        String log = new String(FlowJson.log(BATCH), StandardCharsets.UTF_8);

        assertThat(log).endsWith("}\n");
        assertThat(log.lines()).hasSize(4);
        assertThat(log.lines().findFirst())
                .hasValue(
                        ("{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"proto\":6,\"sport\":1024,"
                             + "\"dport\":443,\"ingressIfindex\":2,\"egressIfindex\":3,"
                             + "\"pkts\":3,\"bytes\":300,\"action\":7,\"start\":%d,"
                             + "\"end\":%d,\"starttime\":%d,\"endtime\":%d,\"finished\":1}")
                                .formatted(START, START + 1500, START, START + 1500));
    }

    @Test
    void theColumnsOfTheBatchFollowInTheirOrder() throws Exception {
        FlowBatch enriched =
                BATCH.with(
                        List.of(
                                column("zone", Column.Type.TEXT, "a \"b\""),
                                Column.empty("sourceAsName", Column.Type.TEXT, BATCH.size()),
                                column("bgpSourceAsNumber", Column.Type.UNSIGNED, 0xfffe_0000L),
                                column("ipNextHopIPv6Address", Column.Type.ADDRESS, "fd00::1:0"),
                                column("tags", Column.Type.JSON, "{\"x\":[1,null]}")));
        String members =
                ",\"zone\":\"a \\\"b\\\"\",\"bgpSourceAsNumber\":4294836224,"
                        + "\"ipNextHopIPv6Address\":\"fd00::1:0\",\"tags\":{\"x\":[1,null]}}";

        List<String> log =
                new String(FlowJson.log(enriched), StandardCharsets.UTF_8).lines().toList();
        assertThat(log.get(0)).endsWith("\"finished\":1" + members);
        assertThat(log.get(1)).endsWith("\"finished\":1}");
        assertThat(new String(FlowJson.object(enriched.flow(0)), StandardCharsets.UTF_8))
                .endsWith("\"flowEndReason\":3" + members);
        assertThat(mapper.readTree(FlowJson.array(enriched)).get(0))
                .isEqualTo(mapper.readTree(FlowJson.object(enriched.flow(0))))
                .isEqualTo(
                        mapper.readTree(mapper.writeValueAsBytes(FlowJson.map(enriched.flow(0)))));
        Message record = FlowJson.kafka(enriched, new DefaultCamelContext()).iterator().next();
        assertThat(record.getBody(byte[].class)).isEqualTo(FlowJson.object(enriched.flow(0)));
        assertThat(FlowJson.log(BATCH)).hasSizeLessThan(FlowJson.log(enriched).length);
    }

    @Test
    void aColumnTakesThePlaceOfTheMemberOfItsName() throws Exception {
        FlowBatch enriched = BATCH.with(List.of(column("pkts", Column.Type.UNSIGNED, -1L)));

        List<String> log =
                new String(FlowJson.log(enriched), StandardCharsets.UTF_8).lines().toList();
        assertThat(mapper.readTree(log.get(0)).get("pkts").bigIntegerValue())
                .isEqualTo(new BigInteger("18446744073709551615"));
        assertThat(mapper.readTree(log.get(1)).has("pkts")).isFalse();
    }

    /** A column that knows something of the first flow only. */
    private static Column column(String name, Column.Type type, Object value) throws Exception {
        byte[] octets =
                switch (type) {
                    case UNSIGNED -> ByteBuffer.allocate(8).putLong((Long) value).array();
                    case ADDRESS -> InetAddress.getByName(value.toString()).getAddress();
                    default -> value.toString().getBytes(StandardCharsets.UTF_8);
                };
        return new Column(name, type, new byte[][] {octets, null, null, null});
    }

    @Test
    void anEmptyBatchLogsNothing() {
        assertThat(FlowJson.log(TestFlows.tcp(0, 0))).isEmpty();
    }

    @Test
    void kafkaRecordsHaveAKeyThatIsTheSameForAFlowAndDiffersBetweenFlows() throws Exception {
        Iterable<Message> records = FlowJson.kafka(BATCH, new DefaultCamelContext());

        List<String> keys = new ArrayList<>();
        for (Message record : records) {
            assertThat(mapper.readTree(record.getBody(byte[].class)).isObject()).isTrue();
            keys.add(record.getHeader("kafka.KEY", String.class));
        }
        assertThat(keys)
                .containsExactly(
                        "2/3/6/10.0.0.1:1024/10.0.0.2:443",
                        "2/3/6/2001:db8::1:1025/2001:db8::2:443",
                        "2/3/1/10.0.0.1:0/10.0.0.2:2048",
                        "2/3/58/2001:db8::1:0/2001:db8::2:32768");
        assertThat(StreamSupport.stream(records.spliterator(), false)).hasSize(4);
        assertThat(records).hasToString("Kafka records of " + BATCH);
    }

    @Test
    void routesNameItsMethods() throws Exception {
        try (DefaultCamelContext camel = new DefaultCamelContext()) {
            camel.addRoutes(
                    new RouteBuilder() {
                        @Override
                        public void configure() {
                            from("direct:log").bean(FlowJson.class, "log");
                            from("direct:kafka").bean(FlowJson.class, "kafka");
                        }
                    });
            camel.start();
            ProducerTemplate template = camel.createProducerTemplate();

            assertThat((byte[]) template.requestBody("direct:log", BATCH))
                    .isEqualTo(FlowJson.log(BATCH));
            assertThat(template.requestBody("direct:kafka", BATCH))
                    .asInstanceOf(InstanceOfAssertFactories.ITERABLE)
                    .hasSize(4);
        }
    }
}
