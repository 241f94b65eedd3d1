// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.e2e.Traffic.Total;
import io.linuxflow.enrich.DnsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code flow.enrich}, as a user sets it: what the log route and IPFIX then have. */
class EnrichIT {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path directory;
    private Lab lab;
    private IpfixCollector collector;
    private Path log;

    @BeforeEach
    void makeLab() {
        lab = new Lab();
        collector = new IpfixCollector(null, "127.0.0.1");
        log = directory.resolve("flows.json");
        Lab.ip("-n " + lab.router() + " link set server alias customer-4711");
        Lab.ip("-n " + lab.router() + " route add 192.0.2.0/24 via " + Lab.SERVER);
        Lab.ip("-n " + lab.router() + " -6 route add 2001:db8::/32 via " + Lab.SERVER6);
        Lab.ip("-n " + lab.server() + " address add 192.0.2.1/32 dev lo");
        Lab.ip("-n " + lab.server() + " address add 2001:db8::1/128 dev lo nodad");
    }

    @AfterEach
    void removeLab() {
        collector.close();
        lab.close();
    }

    private CamelCli.Command exporter(String enrichments) {
        return CamelCli.runRoutes()
                .property("meter.interfaces", lab.router() + ":server")
                .property("drain.interval", "300ms")
                .property("flow.activeTimeout", "0")
                .property("ipfix.collector", "127.0.0.1:" + collector.port())
                .property("log.file", log)
                .property("flow.enrich", enrichments);
    }

    private Path table() {
        try {
            return Files.writeString(
                    directory.resolve("prefixes.csv"),
                    """
                    prefix,AS,next hop,name
                    10.1.0.0/16,64500,10.1.0.2,Clients
                    192.0.2.0/24,AS64501,198.51.100.1,"Servers, Inc."
                    2001:db8::/32,64502,fd00::1
                    """);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The only flow of that source port in the log; waits for it. */
    private JsonNode flow(int sourcePort) {
        await().until(() -> flows(sourcePort).size() == 1);
        return flows(sourcePort).get(0);
    }

    private List<JsonNode> flows(int sourcePort) {
        if (!Files.exists(log)) {
            return List.of();
        }
        try (Stream<String> lines = Files.lines(log)) {
            return lines.map(EnrichIT::parse)
                    .filter(flow -> flow.get("sport").asInt() == sourcePort)
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            throw new AssertionError(line, e);
        }
    }

    @Test
    void theFirstRecordOfAFlowHasAllThatIsKnownOfIt() {
        try (CamelCli camel =
                exporter("interfaceNames,hostName,fib,prefixTable")
                        .property("flow.prefixTable", table())
                        .start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");

            Traffic.udp(lab.client(), 4001, "192.0.2.1", 5000, 10, 100);
            JsonNode flow = flow(4001);
            assertThat(flow.get("ingressInterfaceName").asText()).isEqualTo("client");
            assertThat(flow.get("egressInterfaceName").asText()).isEqualTo("server");
            assertThat(flow.get("interfaceName").asText()).isEqualTo("server");
            assertThat(flow.get("interfaceDescription").asText()).isEqualTo("customer-4711");
            assertThat(flow.get("ingressInterfaceDescription").asText()).isEqualTo("veth");
            assertThat(flow.get("hostName").asText()).isEqualTo(Shell.run("uname", "-n").strip());
            assertThat(flow.get("sourceIPv4PrefixLength").asInt()).isEqualTo(24);
            assertThat(flow.get("destinationIPv4PrefixLength").asInt()).isEqualTo(24);
            assertThat(flow.get("ipNextHopIPv4Address").asText()).isEqualTo(Lab.SERVER);
            assertThat(flow.get("bgpSourceAsNumber").asLong()).isEqualTo(64500);
            assertThat(flow.get("bgpDestinationAsNumber").asLong()).isEqualTo(64501);
            assertThat(flow.get("bgpNextHopIPv4Address").asText()).isEqualTo("198.51.100.1");
            assertThat(flow.get("sourceAsName").asText()).isEqualTo("Clients");
            assertThat(flow.get("destinationAsName").asText()).isEqualTo("Servers, Inc.");

            Traffic.udp(lab.client(), 4002, "2001:db8::1", 5000, 10, 100);
            JsonNode ipv6 = flow(4002);
            assertThat(ipv6.get("sourceIPv6PrefixLength").asInt()).isEqualTo(64);
            assertThat(ipv6.get("destinationIPv6PrefixLength").asInt()).isEqualTo(32);
            assertThat(ipv6.get("ipNextHopIPv6Address").asText()).isEqualTo(Lab.SERVER6);
            assertThat(ipv6.get("bgpDestinationAsNumber").asLong()).isEqualTo(64502);
            assertThat(ipv6.get("bgpNextHopIPv6Address").asText()).isEqualTo("fd00::1");
        }
    }

    @Test
    void ipfixHasTheElements() {
        try (CamelCli camel =
                exporter("interfaceNames,fib,prefixTable")
                        .property("flow.prefixTable", table())
                        .property(
                                "ipfix.fields",
                                "packetDeltaCount,octetDeltaCount,sourceIPv4Address,"
                                        + "destinationIPv4Address,sourceTransportPort,"
                                        + "destinationIPv4PrefixLength,ipNextHopIPv4Address,"
                                        + "bgpDestinationAsNumber,interfaceName")
                        .start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");
            Total total = Traffic.udp(lab.client(), 4001, "192.0.2.1", 5000, 10, 100);
            camel.stop();
            assertThat(
                            collector.total(
                                    Map.of(
                                            "sourceTransportPort",
                                            4001,
                                            "destinationIPv4PrefixLength",
                                            24,
                                            "ipNextHopIPv4Address",
                                            Lab.SERVER,
                                            "bgpDestinationAsNumber",
                                            64501,
                                            "interfaceName",
                                            "server")))
                    .isEqualTo(total);
            assertThat(collector.errors()).isEmpty();
        }
    }

    @Test
    void namesOutOfDnsShowOnceTheyAreThere() {
        try (DnsServer dns = new DnsServer().name("2.0.1.10.in-addr.arpa", "client.example.org");
                CamelCli camel =
                        exporter("reverseDns").property("flow.reverseDns", dns.address()).start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");
            AtomicInteger port = new AtomicInteger(4000);
            await().untilAsserted(
                            () -> {
                                int next = port.incrementAndGet();
                                Traffic.udp(lab.client(), next, Lab.SERVER, 5000, 1, 100);
                                JsonNode flow = flow(next);
                                assertThat(flow.path("sourceHostName").asText())
                                        .isEqualTo("client.example.org");
                                assertThat(flow.has("destinationHostName")).isFalse();
                            });
            assertThat(port.get()).isGreaterThan(4001);
        }
    }

    @Test
    void anUnknownNameEndsItWithThoseThatThereAre() {
        try (CamelCli camel = exporter("interfaceNames,ifnames").start()) {
            assertThat(camel.awaitEnd()).isNotZero();
            assertThat(camel.output())
                    .anyMatch(
                            line ->
                                    line.contains("enrich: there is no enrichment \"ifnames\"")
                                            && line.contains("hostName, interfaceNames"));
        }
    }

    @Test
    void aTableThatCanNotBeReadEndsItWithTheLine() throws IOException {
        Path broken = Files.writeString(directory.resolve("broken.csv"), "10.0.0.0/33,64500\n");
        try (CamelCli camel =
                exporter("prefixTable").property("flow.prefixTable", broken).start()) {
            assertThat(camel.awaitEnd()).isNotZero();
            assertThat(camel.output())
                    .anyMatch(
                            line ->
                                    line.contains(
                                            broken
                                                    + " line 1: \"10.0.0.0/33\" is no address or"
                                                    + " prefix"));
        }
    }

    /** A bean in YAML takes the place of ours of that name, or has one of its own. */
    @Test
    void beansOfOnesOwn() throws IOException {
        Path beans =
                Files.writeString(
                        directory.resolve("beans.camel.yaml"),
                        """
                        - beans:
                            - name: prefixTable
                              type: io.linuxflow.enrich.PrefixTable
                              properties:
                                file: %s
                            - name: customers
                              type: io.linuxflow.enrich.PrefixTable
                              properties:
                                file: %s
                        """
                                .formatted(
                                        table(),
                                        Files.writeString(
                                                directory.resolve("customers.csv"),
                                                "10.1.0.2,65000,,One\n")));
        try (CamelCli camel =
                exporter("prefixTable,customers").arguments(beans.toString()).start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");
            Traffic.udp(lab.client(), 4001, "192.0.2.1", 5000, 10, 100);
            JsonNode flow = flow(4001);
            assertThat(flow.get("sourceAsName").asText()).isEqualTo("One");
            assertThat(flow.get("bgpSourceAsNumber").asLong()).isEqualTo(65000);
            assertThat(flow.get("destinationAsName").asText()).isEqualTo("Servers, Inc.");
        }
    }

    @Test
    void theKameletDoesTheSame() throws IOException {
        Path route =
                Files.writeString(
                        directory.resolve("enriched.camel.yaml"),
                        """
                        # //DEPS io.linuxflow:linux-flow-exporter:0.1.0
                        - route:
                            from:
                              uri: kamelet:ebpf-flow-source
                              parameters:
                                interfaces: %s:server
                                drainInterval: 300ms
                                activeTimeout: "0"
                              steps:
                                - to:
                                    uri: kamelet:flow-enrich-action
                                    parameters:
                                      enrichments: interfaceNames,fib
                                - bean:
                                    beanType: io.linuxflow.camel.FlowJson
                                    method: log
                                - to:
                                    uri: stream:file
                                    parameters:
                                      fileName: %s
                                      appendNewLine: false
                        """
                                .formatted(lab.router(), log));
        try (CamelCli camel =
                CamelCli.run(route.toString(), "routes/metrics.camel.yaml")
                        .arguments("--local-kamelet-dir=kamelets")
                        .start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");
            Traffic.udp(lab.client(), 4001, "192.0.2.1", 5000, 10, 100);
            JsonNode flow = flow(4001);
            assertThat(flow.get("interfaceName").asText()).isEqualTo("server");
            assertThat(flow.get("destinationIPv4PrefixLength").asInt()).isEqualTo(24);
            try (InputStream metrics =
                    URI.create("http://127.0.0.1:9999/metrics").toURL().openStream()) {
                assertThat(new String(metrics.readAllBytes(), StandardCharsets.UTF_8))
                        .contains("enrichment_failed_flows_total{enrichment=\"interfaceNames\"} 0")
                        .contains("enrichment_misses_total{enrichment=\"fib\"}");
            }
        }
    }

    @Test
    void aWrongNameForTheKameletEndsIt() throws IOException {
        Path route =
                Files.writeString(
                        directory.resolve("enriched.camel.yaml"),
                        """
                        # //DEPS io.linuxflow:linux-flow-exporter:0.1.0
                        - route:
                            from:
                              uri: kamelet:ebpf-flow-source
                              parameters:
                                interfaces: %s:server
                              steps:
                                - to: kamelet:flow-enrich-action?enrichments=ifnames
                        """
                                .formatted(lab.router()));
        try (CamelCli camel =
                CamelCli.run(route.toString()).arguments("--local-kamelet-dir=kamelets").start()) {
            assertThat(camel.awaitEnd()).isNotZero();
            assertThat(camel.output())
                    .anyMatch(line -> line.contains("there is no enrichment \"ifnames\""));
        }
    }
}
