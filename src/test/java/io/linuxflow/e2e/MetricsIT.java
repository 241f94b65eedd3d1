// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.e2e.Traffic.Total;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What {@code camel run} serves on the loopback to Prometheus and to probes. */
class MetricsIT {

    private static final int PORT = 9999;

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
                .property("ipfix.collector", Lab.COLLECTOR + ":" + collector.port());
    }

    /** In the router's namespace, whose loopback the exporter listens at. */
    private HttpResponse<String> get(String path) {
        return Lab.in(
                lab.router(),
                () ->
                        HttpClient.newHttpClient()
                                .send(
                                        HttpRequest.newBuilder(
                                                        URI.create(
                                                                "http://127.0.0.1:" + PORT + path))
                                                .build(),
                                        HttpResponse.BodyHandlers.ofString()));
    }

    /** The sum of a series over the label sets that have all of these: {@code name="value"}. */
    private double sum(String series, String... labels) {
        List<String> lines = get("/metrics").body().lines().toList();
        return lines.stream()
                .filter(line -> line.startsWith("linux_flow_exporter_" + series + "{"))
                .filter(line -> Arrays.stream(labels).allMatch(line::contains))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf("} ") + 2)))
                .sum();
    }

    private Total received(int... sourcePorts) {
        return Arrays.stream(sourcePorts)
                .mapToObj(port -> collector.total(Map.of("sourceTransportPort", port)))
                .reduce(Total.NONE, Total::plus);
    }

    private String[] pair(String ingress, String egress) {
        return new String[] {
            "ingressIfindex=\"" + Lab.ifindex(lab.router(), ingress) + "\"",
            "egressIfindex=\"" + Lab.ifindex(lab.router(), egress) + "\"",
            "ingressInterfaceName=\"" + ingress + "\"",
            "egressInterfaceName=\"" + egress + "\""
        };
    }

    @Test
    void whatWasForwardedIsCountedByPairOfInterfacesExactlyAndAtOnce() {
        try (CamelCli camel = exporter().property("meter.interfaces", "server,client").start()) {
            camel.awaitMetered("server", "egress").awaitMetered("client", "egress");
            Total there =
                    Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 17, 100)
                            .plus(Traffic.udp(lab.client(), 4002, Lab.SERVER, 5000, 5, 1000));
            await().untilAsserted(
                            () -> {
                                assertThat(sum("total_pkts", pair("client", "server")))
                                        .isEqualTo(there.packets());
                            });
            assertThat(sum("total_bytes", pair("client", "server"))).isEqualTo(there.octets());
            assertThat(sum("overflow_pkts")).isZero();
            assertThat(sum("overflow_bytes")).isZero();
            // The flow cache keeps it still: nothing has been idle for so long.
            assertThat(received(4001, 4002)).isEqualTo(Total.NONE);

            camel.stop();
            assertThat(received(4001, 4002)).isEqualTo(there);
        }
    }

    @Test
    void whatItSaysAgreesWithWhatTheCollectorGot() {
        try (CamelCli camel = exporter().property("flow.activeTimeout", "0").start()) {
            camel.awaitMetered("server", "egress").awaitMetered("collector", "egress");
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 17, 100);
            String sink = "sink=\"ipfix\"";
            String to = "collector=\"" + Lab.COLLECTOR + ":" + collector.port() + "\"";

            await().untilAsserted(
                            () -> {
                                assertThat(collector.records()).isNotEmpty();
                                assertThat(sum("sink_exported_flows_total", sink))
                                        .isEqualTo(collector.records().size());
                            });
            assertThat(sum("flows_total")).isGreaterThanOrEqualTo(collector.records().size());
            assertThat(sum("sink_dropped_flows_total", sink)).isZero();
            assertThat(sum("sink_failed_flows_total", sink)).isZero();
            await().untilAsserted(
                            () ->
                                    assertThat(sum("ipfix_messages_total", to))
                                            .isPositive()
                                            .isEqualTo(
                                                    sum(
                                                            "interface_excluded_packets_total",
                                                            "interface=\"collector\"")));
            // The IP and UDP headers are the difference.
            assertThat(sum("interface_excluded_octets_total", "interface=\"collector\""))
                    .isEqualTo(
                            sum("ipfix_octets_total", to)
                                    + sum("ipfix_messages_total", to)
                                            * (Traffic.IPV4_HEADER + Traffic.UDP_HEADER));
            assertThat(sum("interface_attached", "interface=\"server\"")).isEqualTo(1);
            assertThat(sum("meter_running")).isEqualTo(1);
            assertThat(sum("epochs_total")).isPositive();
        }
    }

    @Test
    void readinessNamesTheInterfaceThatIsNotThereAndTheSinkThatFails() {
        try (CamelCli camel =
                exporter()
                        .property("meter.interfaces", "server,no-such0")
                        .property("ipfix.collector", "no-such-host.invalid:4739")
                        .property("flow.activeTimeout", "0")
                        .start()) {
            camel.awaitMetered("server", "egress");
            // That an interface is metered is said before the start is over.
            await().untilAsserted(
                            () ->
                                    assertThat(get("/health/ready").body())
                                            .contains(
                                                    "\"status\":\"UP\"",
                                                    "no-such0: no such interface"));
            assertThat(sum("interface_missing", "interface=\"no-such0\"")).isEqualTo(1);

            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 17, 100);

            await().until(() -> get("/health/ready").statusCode() == 503);
            assertThat(get("/health/ready").body())
                    .contains("consumer:ipfix", "no-such-host.invalid");
            assertThat(get("/health/live").statusCode()).isEqualTo(200);
            assertThat(sum("sink_failed_flows_total", "sink=\"ipfix\"")).isPositive();
        }
    }

    @Test
    void aPortInUseIsSaidInOneLineAndTheMeterRuns() throws Exception {
        try (ServerSocket other =
                        Lab.in(
                                lab.router(),
                                () ->
                                        new ServerSocket(
                                                PORT, 1, InetAddress.getByName("127.0.0.1")));
                CamelCli camel = exporter().start()) {
            camel.awaitMetered("server", "egress");
            Total total = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 17, 100);
            camel.stop();

            assertThat(camel.output())
                    .filteredOn(line -> line.contains("Metrics are not served"))
                    .singleElement()
                    .asString()
                    .contains("127.0.0.1:" + other.getLocalPort(), "in use", "metrics.port");
            assertThat(camel.output()).noneMatch(line -> line.startsWith("\tat "));
            assertThat(collector.total(Map.of("sourceTransportPort", 4001))).isEqualTo(total);
        }
    }

    @Test
    void port0SwitchesItOff() {
        try (CamelCli camel = exporter().property("metrics.port", 0).start()) {
            camel.awaitMetered("server", "egress");

            assertThat(
                            Lab.<Object>in(
                                    lab.router(),
                                    () -> {
                                        try {
                                            return get("/metrics");
                                        } catch (AssertionError e) {
                                            return e.getCause();
                                        }
                                    }))
                    .isInstanceOf(ConnectException.class);
        }
    }
}
