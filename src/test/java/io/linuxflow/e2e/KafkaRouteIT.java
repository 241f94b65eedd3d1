// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.e2e.Traffic.Total;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code routes/kafka.camel.yaml}: a JSON record a flow. */
class KafkaRouteIT {

    private static final ObjectMapper JSON = new ObjectMapper();

    private Lab lab;
    private IpfixCollector collector;

    @BeforeEach
    void makeLab() {
        lab = new Lab();
        collector = new IpfixCollector(null, "127.0.0.1");
    }

    @AfterEach
    void removeLab() {
        collector.close();
        lab.close();
    }

    private CamelCli start(String brokers) {
        return CamelCli.runRoutes()
                .property("meter.interfaces", lab.router() + ":server")
                .property("drain.interval", "300ms")
                .property("flow.activeTimeout", "0")
                .property("ipfix.collector", "127.0.0.1:" + collector.port())
                .property("kafka.brokers", brokers)
                .property("kafka.topic", "test-flows")
                .start()
                .awaitMetered(lab.router() + ":server", "egress");
    }

    private Total send(int sourcePort) {
        return Traffic.udp(lab.client(), sourcePort, Lab.SERVER, 5000, 10, 100);
    }

    @Test
    void everyFlowArrivesWhollyAndInOnePartition(@TempDir Path directory) throws IOException {
        Map<Integer, Total> sent = new HashMap<>();
        try (KafkaBroker broker = new KafkaBroker(directory);
                CamelCli camel = start(broker.address())) {
            for (int round = 0; round < 3; round++) {
                for (int port = 4001; port <= 4020; port++) {
                    sent.merge(port, send(port), Total::plus);
                }
                int ports = sent.size();
                int rounds = round + 1;
                // Drained by now: the next round gives further records of the same flows.
                await().until(
                                () ->
                                        sent.keySet().stream()
                                                        .filter(p -> packets(p) == 10L * rounds)
                                                        .count()
                                                == ports);
            }
            camel.stop();

            List<ConsumerRecord<String, byte[]>> records = consume(broker);
            Map<Integer, Total> received = new HashMap<>();
            Map<String, Set<Integer>> partitions =
                    records.stream()
                            .collect(
                                    Collectors.groupingBy(
                                            ConsumerRecord::key,
                                            Collectors.mapping(
                                                    ConsumerRecord::partition,
                                                    Collectors.toSet())));
            for (ConsumerRecord<String, byte[]> record : records) {
                JsonNode flow = JSON.readTree(record.value());
                assertThat(flow.get("sourceIPv4Address").asText()).isEqualTo(Lab.CLIENT);
                received.merge(
                        flow.get("sourceTransportPort").asInt(),
                        new Total(
                                flow.get("packetDeltaCount").asLong(),
                                flow.get("octetDeltaCount").asLong()),
                        Total::plus);
            }
            assertThat(received).isEqualTo(sent);
            assertThat(records).hasSizeGreaterThanOrEqualTo(3 * 20);
            assertThat(partitions).hasSize(20).allSatisfy((key, in) -> assertThat(in).hasSize(1));
            assertThat(records).extracting(ConsumerRecord::partition).contains(0, 1, 2);
        }
    }

    private long packets(int sourcePort) {
        return collector.total(Map.of("sourceTransportPort", sourcePort)).packets();
    }

    /** Everything in the topic from this client's UDP senders. */
    private static List<ConsumerRecord<String, byte[]>> consume(KafkaBroker broker) {
        List<ConsumerRecord<String, byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", broker.address()),
                        new StringDeserializer(),
                        new ByteArrayDeserializer())) {
            List<TopicPartition> partitions =
                    consumer.partitionsFor("test-flows").stream()
                            .map(p -> new TopicPartition(p.topic(), p.partition()))
                            .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long end =
                    consumer.endOffsets(partitions).values().stream()
                            .mapToLong(Long::longValue)
                            .sum();
            for (long read = 0; read < end; ) {
                for (ConsumerRecord<String, byte[]> record :
                        consumer.poll(Duration.ofSeconds(10))) {
                    read++;
                    if (record.key().contains("/17/" + Lab.CLIENT)) {
                        records.add(record);
                    }
                }
            }
        }
        return records;
    }

    @Test
    void aBrokerThatIsDownIsReportedOnceInAWhileAndHurtsNoOtherSink() {
        try (CamelCli camel = start("127.0.0.1:9")) {
            for (int port = 4001; port <= 4010; port++) {
                Total total = send(port);
                Map<String, Integer> flow = Map.of("sourceTransportPort", port);
                await().until(() -> collector.total(flow).equals(total));
            }
            camel.awaitLine(line -> line.contains("Route kafka failed to deliver"));
            camel.stop();
            assertThat(camel.output())
                    .filteredOn(line -> line.contains("Route kafka failed to deliver"))
                    .hasSize(1);
            assertThat(camel.output()).noneMatch(line -> line.startsWith("\tat "));
            assertThat(collector.errors()).isEmpty();
        }
    }
}
