// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.e2e.Traffic.Total;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code routes/log.camel.yaml}: flows as JSON lines. */
class LogRouteIT {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path directory;
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

    private CamelCli start(String file) {
        return CamelCli.runRoutes()
                .property("meter.interfaces", lab.router() + ":server")
                .property("drain.interval", "300ms")
                .property("flow.activeTimeout", "0")
                .property("ipfix.collector", "127.0.0.1:" + collector.port())
                .property("log.file", file)
                .start()
                .awaitMetered(lab.router() + ":server", "egress");
    }

    private Total send(int sourcePort) {
        return Traffic.udp(lab.client(), sourcePort, Lab.SERVER, 5000, 10, 100);
    }

    /** The objects of that source port. */
    static List<JsonNode> flows(Path file, int sourcePort) {
        if (!Files.exists(file)) {
            return List.of();
        }
        try (Stream<String> lines = lines(file)) {
            return lines.map(LogRouteIT::parse)
                    .filter(flow -> flow.get("sport").asInt() == sourcePort)
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Stream<String> lines(Path file) throws IOException {
        return file.toString().endsWith(".gz")
                ? Shell.run("zcat", file.toString()).lines()
                : Files.lines(file);
    }

    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            throw new AssertionError(line, e);
        }
    }

    static Total total(List<JsonNode> flows) {
        return flows.stream()
                .map(flow -> new Total(flow.get("pkts").asLong(), flow.get("bytes").asLong()))
                .reduce(Total.NONE, Total::plus);
    }

    @Test
    void writesAFlowALineAndGoesOnInANewFileWhenItIsRenamed() throws IOException {
        Path file = directory.resolve("flows+50%41 a&b.json");
        Path renamed = directory.resolve("flows.json.1");
        try (CamelCli camel = start(file.toString())) {
            Total first = send(4001);
            await().until(() -> total(flows(file, 4001)).equals(first));
            JsonNode flow = flows(file, 4001).get(0);
            assertThat(flow.get("src").asText()).isEqualTo(Lab.CLIENT);
            assertThat(flow.get("dst").asText()).isEqualTo(Lab.SERVER);
            assertThat(flow.get("proto").asInt()).isEqualTo(17);
            assertThat(flow.get("dport").asInt()).isEqualTo(5000);

            Files.move(file, renamed);
            Total second = send(4002);
            camel.stop();
            assertThat(total(flows(renamed, 4001))).isEqualTo(first);
            assertThat(total(flows(file, 4002))).isEqualTo(second);
        }
    }

    @Test
    void logrotateLosesNoLineUnderLoad() throws IOException {
        Path file = directory.resolve("flows.json");
        Path configuration = directory.resolve("logrotate.conf");
        Files.writeString(
                configuration,
                Files.readString(CamelCli.REPOSITORY.resolve("misc/logrotate.conf"))
                        .replace("/var/log/flows.json", file.toString()));
        Map<Integer, Total> sent = new TreeMap<>();
        try (CamelCli camel = start(file.toString())) {
            for (int port = 4001; port <= 4060; port++) {
                sent.put(port, send(port));
                if (port % 10 == 0) {
                    await().until(() -> Files.exists(file));
                    logrotate(configuration);
                }
            }
            camel.stop();
        }
        List<Path> files;
        try (Stream<Path> all = Files.list(directory)) {
            files = all.filter(path -> path.getFileName().toString().startsWith("flows.")).toList();
        }
        assertThat(files).hasSizeGreaterThanOrEqualTo(6);
        assertThat(files).anyMatch(path -> path.toString().endsWith(".gz"));
        Map<Integer, Total> logged = new TreeMap<>();
        for (int port : sent.keySet()) {
            logged.put(
                    port,
                    total(files.stream().flatMap(path -> flows(path, port).stream()).toList()));
        }
        assertThat(logged).isEqualTo(sent);
    }

    private void logrotate(Path configuration) {
        Shell.run(
                "logrotate",
                "--force",
                "--state",
                directory.resolve("state").toString(),
                configuration.toString());
    }

    @Test
    void takesADateInTheName() {
        try (CamelCli camel = start(directory + "/flows-${date:now:yyyy-MM-dd}.json")) {
            LocalDate before = LocalDate.now();
            Total total = send(4001);
            camel.stop();
            assertThat(List.of(before, LocalDate.now()))
                    .anySatisfy(
                            date ->
                                    assertThat(
                                                    total(
                                                            flows(
                                                                    directory.resolve(
                                                                            "flows-" + date
                                                                                    + ".json"),
                                                                    4001)))
                                            .isEqualTo(total));
        }
    }

    @Test
    void writesToTheStandardOutput() {
        try (CamelCli camel = start("-")) {
            Total total = send(4001);
            camel.stop();
            assertThat(
                            total(
                                    camel.output().stream()
                                            .filter(line -> line.startsWith("{"))
                                            .map(LogRouteIT::parse)
                                            .filter(flow -> flow.get("sport").asInt() == 4001)
                                            .toList()))
                    .as(() -> String.join("\n", camel.output()))
                    .isEqualTo(total);
        }
    }

    @Test
    void aFullDiskIsReportedOnceInAWhileAndHurtsNoOtherSink() {
        try (CamelCli camel = start("/dev/full")) {
            for (int port = 4001; port <= 4005; port++) {
                Total total = send(port);
                Map<String, Integer> flow = Map.of("sourceTransportPort", port);
                await().until(() -> collector.total(flow).equals(total));
            }
            camel.stop();
            assertThat(camel.output())
                    .filteredOn(line -> line.contains("Route log-file failed to deliver"))
                    .singleElement()
                    .asString()
                    .contains("No space left on device");
            assertThat(camel.output()).noneMatch(line -> line.startsWith("\tat "));
            assertThat(collector.errors()).isEmpty();
        }
    }
}
