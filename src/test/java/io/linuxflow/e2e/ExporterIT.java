// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.e2e.Traffic.Total;
import io.linuxflow.flow.Flow;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How {@code ./camelw run routes/*.yaml} starts, what it meters, and how it ends. */
class ExporterIT {

    private static final int TERMINATED = 128 + 15;

    private Lab lab;
    private IpfixCollector collector;

    @BeforeEach
    void makeLab() {
        lab = new Lab();
        collector = new IpfixCollector(lab.collector(), Lab.COLLECTOR);
    }

    @AfterEach
    void removeLab() {
        collector.close();
        lab.close();
    }

    private CamelCli.Command exporter() {
        return CamelCli.runRoutes()
                .in(lab.router())
                .property("drain.interval", "300ms")
                .property("flow.activeTimeout", "0")
                .property("ipfix.collector", Lab.COLLECTOR + ":" + collector.port());
    }

    private static Map<String, Object> flow(int sourcePort) {
        return Map.of("sourceTransportPort", sourcePort);
    }

    @Test
    void printsTheFlowsWithNothingConfigured() {
        try (CamelCli camel = CamelCli.runRoutes().in(lab.router()).start()) {
            camel.awaitMetered("server", "egress");
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
            camel.awaitLine(
                    line ->
                            line.contains(Lab.CLIENT)
                                    && line.contains(Lab.SERVER)
                                    && line.contains("4001")
                                    && line.contains("5000"));
        }
    }

    @Test
    void showsElementsOfOnesOwnAndSaysWhatNoStepAdds() {
        try (CamelCli camel =
                CamelCli.runRoutes()
                        .in(lab.router())
                        .property("flow.activeTimeout", "0")
                        .property("drain.interval", "300ms")
                        .property("ipfix.enterpriseElements", "rule/7=mark,from/9.8=sourceHostName")
                        .property("ipfix.enterpriseNumber", "32473")
                        .property("ipfix.templateIds", "1001")
                        .property(
                                "ipfix.fields",
                                "sourceIPv4Address,destinationIPv4Address,protocolIdentifier,"
                                        + "rule:2,from,interfaceName")
                        .start()) {
            camel.awaitMetered("server", "egress");
            for (String mark : List.of("42", "70000")) {
                Shell.in(lab.router(), "ping", "-c", "1", "-m", mark, Lab.SERVER);
            }
            camel.awaitLine(line -> line.endsWith("  rule=42 from= interfaceName="));
            camel.awaitLine(line -> line.endsWith("  rule=65535 from= interfaceName="));
            camel.stop();
            assertThat(camel.output())
                    .filteredOn(line -> line.contains("Exported as zero or empty"))
                    .singleElement()
                    .asString()
                    .contains(
                            "from (flow.enrich=reverseDns adds it), interfaceName"
                                    + " (flow.enrich=interfaceNames adds it)");
        }
    }

    @Test
    void exportsOnAfterARouteWasEdited(@TempDir Path directory) throws IOException {
        Path routes = Files.createDirectory(directory.resolve("routes"));
        List<String> names = List.of("ipfix.camel.yaml", "metrics.camel.yaml");
        for (String name : names) {
            Files.copy(CamelCli.REPOSITORY.resolve("routes").resolve(name), routes.resolve(name));
        }
        try (CamelCli camel =
                CamelCli.run("routes/ipfix.camel.yaml", "routes/metrics.camel.yaml")
                        .arguments("--dev")
                        .directory(directory)
                        .in(lab.router())
                        .property("drain.interval", "300ms")
                        .property("flow.activeTimeout", "0")
                        .property("ipfix.collector", Lab.COLLECTOR + ":" + collector.port())
                        .start()) {
            camel.awaitMetered("server", "egress");
            int port = 4001;
            for (String name : names) {
                long reloads = reloads(camel);
                Files.writeString(routes.resolve(name), "# edited\n", StandardOpenOption.APPEND);
                await().atMost(ofSeconds(30)).until(() -> reloads(camel) > reloads);
                Total total = Traffic.udp(lab.client(), port, Lab.SERVER, 5000, 10, 100);
                Map<String, Object> flow = flow(port++);
                await().until(() -> collector.total(flow).equals(total));
                assertThat(metrics())
                        .contains("sink_exported_flows_total{meter=\"flows\",sink=\"ipfix\"}");
            }
        }
    }

    private String metrics() {
        return Lab.in(
                lab.router(),
                () -> {
                    try (InputStream body =
                            URI.create("http://127.0.0.1:9999/metrics").toURL().openStream()) {
                        return new String(body.readAllBytes(), StandardCharsets.UTF_8);
                    }
                });
    }

    private static long reloads(CamelCli camel) {
        return camel.output().stream().filter(l -> l.contains("Routes reloaded")).count();
    }

    @Test
    void leavesItsOwnPacketsOutThoughTheCollectorIsBehindAMeteredInterface() {
        Total other;
        try (CamelCli camel = exporter().property("meter.direction", "both").start()) {
            camel.awaitMetered("collector", "egress");
            other = Traffic.udp(lab.router(), 4001, Lab.COLLECTOR, 5000, 10, 100);
            await().until(() -> collector.total(flow(4001)).equals(other));
            // Would they be metered, each export were the cause of the next.
            Traffic.udp(lab.client(), 4002, Lab.SERVER, 5000, 10, 100);
            await().until(() -> collector.total(flow(4002)).packets() > 0);
            camel.stop();
        }
        assertThat(collector.total(flow(4001))).isEqualTo(other);
        assertThat(collector.records())
                .noneMatch(r -> r.has(Map.of("destinationTransportPort", collector.port())));
    }

    @Test
    void aFlowOfManyDrainsIsOneRecordOnceItIsIdle() {
        try (CamelCli camel =
                exporter()
                        .property("flow.activeTimeout", "30s")
                        .property("flow.idleTimeout", "2s")
                        .start()) {
            camel.awaitMetered("server", "egress");
            Total total = Total.NONE;
            for (int i = 0; i < 3; i++) {
                total = total.plus(Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 1 + i, 100));
            }
            Total sent = total;
            await().until(() -> collector.total(flow(4001)).packets() > 0);
            assertThat(collector.total(flow(4001))).isEqualTo(sent);
            assertThat(collector.records())
                    .filteredOn(record -> record.has(flow(4001)))
                    .singleElement()
                    .matches(record -> record.has(Map.of("flowEndReason", Flow.IDLE_TIMEOUT)));
        }
    }

    @Test
    void metersInterfacesThatComeLaterAndNotesThoseThatGo() {
        try (CamelCli camel = exporter().property("meter.interfaces", "late0,hot*").start()) {
            camel.awaitLine(line -> line.contains("Interface late0 is not there"));
            addVeth("hot7");
            camel.awaitMetered("hot7", "egress");
            Total first = Traffic.udp(lab.router(), 4001, "10.7.0.2", 5000, 5, 100);

            Lab.ip("-n " + lab.router() + " link delete hot7");
            camel.awaitLine(line -> line.contains("Interface hot7 is gone"));
            long before = camel.output().stream().filter(l -> l.contains("hot7 is met")).count();
            addVeth("hot7");
            await().until(
                            () ->
                                    camel.output().stream()
                                                    .filter(l -> l.contains("hot7 is met"))
                                                    .count()
                                            > before);
            Total second = Traffic.udp(lab.router(), 4002, "10.7.0.2", 5000, 6, 100);
            camel.stop();

            assertThat(collector.total(flow(4001))).isEqualTo(first);
            assertThat(collector.total(flow(4002))).isEqualTo(second);
        }
    }

    private void addVeth(String name) {
        Lab.ip("-n " + lab.router() + " link add " + name + " type veth peer name peer");
        Lab.ip("-n " + lab.router() + " address add 10.7.0.1/24 dev " + name);
        Lab.ip("-n " + lab.router() + " link set peer up");
        Lab.ip("-n " + lab.router() + " link set " + name + " up");
        Lab.ip(
                "-n "
                        + lab.router()
                        + " neighbour replace 10.7.0.2 lladdr 02:00:00:00:00:01 dev "
                        + name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcx", "clsact"})
    void exportsEverythingAndDetachesWhenItIsStopped(String hook) throws Exception {
        Set<String> objects;
        try (CamelCli camel =
                exporter()
                        .property("meter.hook", hook)
                        .property("meter.direction", "both")
                        .property("drain.interval", "1h")
                        .start()) {
            camel.awaitMetered("server", "ingress").awaitMetered("server", "egress");
            objects = bpfObjects(camel.pid());
            assertThat(objects).anyMatch(object -> object.startsWith("prog"));
            Total total = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 1000, 100);
            assertThat(collector.records()).isEmpty();

            assertThat(camel.stop()).isEqualTo(TERMINATED);
            assertThat(collector.total(Map.of("sourceTransportPort", 4001, "flowDirection", 1)))
                    .isEqualTo(total);
            assertThat(collector.errors()).isEmpty();
        }
        await().untilAsserted(
                        () -> assertThat(objects).noneMatch(object -> exists(object.split(" "))));
        assertThat(Shell.in(lab.router(), "tc", "qdisc", "show")).doesNotContain("clsact");
    }

    /** The programs, maps and links that a process holds: {@code prog 7}. */
    private static Set<String> bpfObjects(long pid) throws IOException {
        Pattern id = Pattern.compile("(prog|map|link)_id:\\t(\\d+)");
        Set<String> objects = new TreeSet<>();
        try (Stream<Path> files = Files.list(Path.of("/proc/" + pid + "/fdinfo"))) {
            for (Path file : files.toList()) {
                Matcher found = id.matcher(Files.readString(file));
                while (found.find()) {
                    objects.add(found.group(1) + " " + found.group(2));
                }
            }
        }
        return objects;
    }

    private static boolean exists(String[] object) {
        return Shell.result("bpftool", object[0], "show", "id", object[1]).status() == 0;
    }

    @Test
    void takesItsPropertiesFromTheEnvironmentToo() {
        try (IpfixCollector local = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel =
                        CamelCli.runRoutes()
                                .environment("METER_INTERFACES", lab.router() + ":server")
                                .environment("METER_DIRECTION", "egress")
                                .environment("DRAIN_INTERVAL", "300ms")
                                .environment("IPFIX_COLLECTOR", "127.0.0.1:" + local.port())
                                .environment(
                                        "IPFIX_FIELDS",
                                        "sourceTransportPort,packetDeltaCount,octetDeltaCount")
                                .environment("IPFIX_TEMPLATEREFRESH", "1s")
                                .environment("IPFIX_MAXMESSAGELENGTH", "500")
                                .environment("IPFIX_OBSERVATIONDOMAINID", "77")
                                .start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");
            Total total = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
            camel.stop();
            assertThat(camel.output()).noneMatch(line -> line.contains("client is metered"));
            assertThat(local.total(flow(4001))).isEqualTo(total);
            assertThat(local.records())
                    .allSatisfy(
                            record ->
                                    assertThat(record.values())
                                            .containsOnlyKeys(
                                                    "sourceTransportPort",
                                                    "packetDeltaCount",
                                                    "octetDeltaCount",
                                                    IpfixCollector.DOMAIN)
                                            .containsEntry(IpfixCollector.DOMAIN, 77L));
        }
    }
}
