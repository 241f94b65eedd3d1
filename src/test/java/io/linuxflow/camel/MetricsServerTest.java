// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static io.linuxflow.flow.FlowLayout.LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.enrich.CommandHook;
import io.linuxflow.enrich.Enrichment;
import io.linuxflow.enrich.PrefixTable;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.ipfix.IpfixException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsServerTest {

    private static final String PREFIX = "linux_flow_exporter_";

    private final List<FakeMeter> meters = new CopyOnWriteArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private DefaultCamelContext camel;
    private MetricsServer server;
    private volatile RuntimeException obstacle;

    @BeforeEach
    void createContext() throws Exception {
        camel = new DefaultCamelContext();
        camel.getShutdownStrategy().setTimeout(5);
        camel.addComponent(
                "ebpf-flowmap",
                new EbpfFlowmapComponent(
                        options -> {
                            FakeMeter meter = new FakeMeter(options);
                            meters.add(meter);
                            return meter;
                        }));
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        errorHandler(noErrorHandler());
                        from("ebpf-flowmap:flows?queueCapacity=10")
                                .routeId("sink")
                                .process(
                                        e -> {
                                            if (obstacle != null) {
                                                throw obstacle;
                                            }
                                        });
                    }
                });
        server = new MetricsServer();
        server.setPort(freePort());
        camel.getRegistry().bind("metrics", MetricsServer.class, server, "start", "stop");
        camel.start();
    }

    @AfterEach
    void closeContext() {
        camel.stop();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(request(path), HttpResponse.BodyHandlers.ofString());
    }

    private HttpRequest request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.getPort() + path))
                .build();
    }

    private List<String> metrics() throws Exception {
        HttpResponse<String> response = get("/metrics");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type"))
                .hasValue("text/plain; version=0.0.4; charset=utf-8");
        return response.body().lines().toList();
    }

    @Test
    void theSeriesOfTheGoExporterHaveItsNamesAndLabels() throws Exception {
        String labels =
                "{egressIfindex=\"3\",egressInterfaceName=\"eth1\",ingressIfindex=\"2\","
                        + "ingressInterfaceName=\"eth0\",meter=\"flows\",netns=\"\"} ";
        assertThat(metrics())
                .contains(
                        "# TYPE " + PREFIX + "total_pkts gauge",
                        PREFIX + "total_pkts" + labels + "8.0",
                        PREFIX + "total_bytes" + labels + "800.0",
                        PREFIX + "overflow_pkts" + labels + "1.0",
                        PREFIX + "overflow_bytes" + labels + "100.0");
    }

    @Test
    void latencyIsThereWhereItIsMeasured() throws Exception {
        String labels =
                "{egressIfindex=\"3\",egressInterfaceName=\"eth1\",ingressIfindex=\"2\","
                        + "ingressInterfaceName=\"eth0\",meter=\"timed\",netns=\"\"} ";
        assertThat(metrics()).noneMatch(line -> line.contains("latency"));

        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("ebpf-flowmap:timed?latency=true").to("mock:timed");
                    }
                });
        assertThat(metrics())
                .contains(
                        "# TYPE " + PREFIX + "total_latency_nanoseconds gauge",
                        PREFIX + "total_latency_nanoseconds" + labels + "5000.0",
                        PREFIX + "latency_packets_total" + labels + "6.0",
                        PREFIX + "latency_unmeasured_packets_total" + labels + "2.0")
                .noneMatch(line -> line.contains("latency") && line.contains("meter=\"flows\""));
    }

    @Test
    void interfacesHaveTheirCountersAndWhetherTheyAreAttached() throws Exception {
        String eth0 =
                "{direction=\"egress\",ifindex=\"2\",interface=\"eth0\",meter=\"flows\","
                        + "netns=\"\"} ";
        String eth1 =
                "{direction=\"egress\",ifindex=\"3\",interface=\"eth1\",meter=\"flows\","
                        + "netns=\"ns0\"} ";
        assertThat(metrics())
                .contains(
                        "# TYPE " + PREFIX + "interface_seen_packets_total counter",
                        PREFIX + "interface_seen_packets_total" + eth0 + "10.0",
                        PREFIX + "interface_seen_octets_total" + eth0 + "1000.0",
                        PREFIX + "interface_overflow_packets_total" + eth0 + "1.0",
                        PREFIX + "interface_excluded_packets_total" + eth0 + "0.0",
                        PREFIX + "interface_malformed_packets_total" + eth0 + "0.0",
                        PREFIX + "interface_non_ip_packets_total" + eth0 + "2.0",
                        PREFIX + "interface_attached" + eth0 + "1.0",
                        PREFIX + "interface_attached" + eth1 + "0.0",
                        PREFIX + "interface_missing{interface=\"eth9\",meter=\"flows\"} 1.0");
    }

    @Test
    void enrichmentsHaveWhatTheyLookedUpAndFailedToDo(@TempDir Path directory) throws Exception {
        PrefixTable table = new PrefixTable();
        table.setFile(
                Files.writeString(directory.resolve("table"), "10.0.0.0/8,1\n11.0.0.0/8,2\n")
                        .toString());
        camel.getRegistry().bind("table", table);
        camel.getRegistry()
                .bind(
                        "broken",
                        (Enrichment)
                                batch -> {
                                    throw new IllegalStateException("no");
                                });
        Enricher enricher = new Enricher();
        enricher.setEnrichments("fib,table,broken");
        camel.getRegistry().bind("enricher", enricher);

        enricher.enrich(TestFlows.tcp(3, 1000));

        String fib = "{enrichment=\"fib\"} ";
        assertThat(metrics())
                .contains(
                        PREFIX + "enrichment_failed_flows_total{enrichment=\"broken\"} 3.0",
                        PREFIX + "enrichment_failed_flows_total{enrichment=\"table\"} 0.0",
                        PREFIX + "enrichment_table_prefixes{enrichment=\"table\"} 2.0",
                        PREFIX + "enrichment_table_failures_total{enrichment=\"table\"} 0.0",
                        PREFIX + "enrichment_hits_total" + fib + "0.0",
                        PREFIX + "enrichment_misses_total" + fib + "6.0",
                        PREFIX + "enrichment_cached_addresses" + fib + "2.0",
                        PREFIX + "enrichment_pending_lookups" + fib + "0.0",
                        PREFIX + "enrichment_dropped_lookups_total" + fib + "0.0")
                .anyMatch(line -> line.startsWith(PREFIX + "enrichment_table_age_seconds{"));
    }

    @Test
    void theMeterHasItsEpochsSlotsAndTimes() throws Exception {
        String labels = "{meter=\"flows\"} ";
        assertThat(metrics())
                .contains(
                        PREFIX + "meter_running" + labels + "1.0",
                        PREFIX + "flows_total" + labels + "6.0",
                        PREFIX + "discarded_flows_total" + labels + "8.0",
                        PREFIX + "discarded_packets_total" + labels + "9.0",
                        PREFIX + "discarded_octets_total" + labels + "900.0",
                        PREFIX + "epochs_total" + labels + "4.0",
                        PREFIX + "early_flips_total" + labels + "3.0",
                        PREFIX + "slots" + labels + "131072.0",
                        PREFIX + "slots_used" + labels + "5.0",
                        PREFIX + "last_drain_seconds" + labels + "0.25",
                        PREFIX + "last_flip_seconds" + labels + "0.5",
                        PREFIX + "seen_packets_total" + labels + "10.0");
    }

    @Test
    void aSinkHasWhatItExportedFailedToExportAndDropped() throws Exception {
        meters.get(0).meter(TestFlows.tcp(3, 1000)).drain();
        String labels = "{meter=\"flows\",sink=\"sink\"} ";
        await().untilAsserted(
                        () ->
                                assertThat(metrics())
                                        .contains(
                                                PREFIX
                                                        + "sink_exported_flows_total"
                                                        + labels
                                                        + "3.0"));
        meters.get(0).meter(TestFlows.tcp(11, 1000)).drain();
        assertThat(metrics())
                .contains(
                        PREFIX + "sink_dropped_flows_total" + labels + "11.0",
                        PREFIX + "sink_queued_flows" + labels + "0.0",
                        PREFIX + "sink_queue_capacity_flows" + labels + "10.0");

        obstacle = new IllegalStateException("no");
        meters.get(0).meter(TestFlows.tcp(4, 1000)).drain();
        await().untilAsserted(
                        () ->
                                assertThat(metrics())
                                        .contains(
                                                PREFIX + "sink_failed_flows_total" + labels + "4.0",
                                                PREFIX
                                                        + "sink_exported_flows_total"
                                                        + labels
                                                        + "3.0"));
    }

    @Test
    void aHookHasItsRunsFailuresAndFlows() throws Exception {
        CommandHook hook = new CommandHook();
        hook.setShell("grep -q 1001 && echo '[]'");
        camel.getRegistry().bind("filter", hook);
        camel.getRegistry().bind("unused", new CommandHook());

        hook.enrich(TestFlows.tcp(3, 1000));
        hook.enrich(TestFlows.tcp(2, 2000));

        String labels = "{hook=\"filter\"} ";
        assertThat(metrics())
                .contains(
                        PREFIX + "hook_runs_total" + labels + "2.0",
                        PREFIX + "hook_failures_total" + labels + "1.0",
                        PREFIX + "hook_failed_flows_total" + labels + "2.0",
                        PREFIX + "hook_dropped_flows_total" + labels + "3.0",
                        PREFIX + "hook_added_flows_total" + labels + "0.0",
                        PREFIX
                                + "hook_seconds_total"
                                + labels
                                + (double) hook.nanos() / 1_000_000_000)
                .noneMatch(line -> line.contains("unused"));
    }

    @Test
    void aDataFormatHasWhatItCouldNotExportOrReadInFull() throws Exception {
        IpfixDataFormat format = new IpfixDataFormat();
        format.setFields("packetDeltaCount:4,octetDeltaCount");
        camel.getRegistry().bind("small", format);
        format.start();
        Exchange exchange = new DefaultExchange(camel);
        FlowBatch batch = TestFlows.tcp(3, 1000);
        LONG.set(batch.records(), FlowLayout.PACKETS, 1L << 40);
        ByteArrayOutputStream messages = new ByteArrayOutputStream();

        format.marshal(exchange, batch, messages);
        format.unmarshal(exchange, (Object) messages.toByteArray());
        assertThatThrownBy(() -> format.unmarshal(exchange, (Object) new byte[20]))
                .isInstanceOf(IpfixException.class);

        String labels = "{dataFormat=\"small\"} ";
        assertThat(metrics())
                .contains(
                        PREFIX + "ipfix_capped_values_total" + labels + "1.0",
                        PREFIX + "ipfix_cut_texts_total" + labels + "0.0",
                        PREFIX + "ipfix_read_messages_total" + labels + "1.0",
                        PREFIX + "ipfix_read_records_total" + labels + "3.0",
                        PREFIX + "ipfix_malformed_messages_total" + labels + "1.0",
                        PREFIX + "ipfix_undecoded_sets_total" + labels + "0.0",
                        PREFIX + "ipfix_lost_records_total" + labels + "0.0");
    }

    @Test
    void aSinkThatIsGoneHasNoSeriesAnyMore() throws Exception {
        assertThat(metrics()).anyMatch(line -> line.contains("sink=\"sink\""));

        camel.getRouteController().stopRoute("sink");

        assertThat(metrics()).noneMatch(line -> line.contains("sink=\"sink\""));
    }

    @Test
    void aReadyExporterStillNamesTheInterfacesThatAreNotMetered() throws Exception {
        HttpResponse<String> ready = get("/health/ready");

        assertThat(ready.statusCode()).isEqualTo(200);
        assertThat(ready.body())
                .contains("\"status\":\"UP\"", "eth9: no such interface")
                .contains("ns0:eth1: no such device");
    }

    @Test
    void aSinkThatFailsIsNamedAsNotReadyUntilItSucceedsAgain() throws Exception {
        obstacle = new IllegalStateException("the sink is down");
        meters.get(0).meter(TestFlows.tcp(4, 1000)).drain();
        await().until(() -> get("/health/ready").statusCode() == 503);
        assertThat(get("/health/ready").body())
                .contains("\"status\":\"DOWN\"", "consumer:sink", "the sink is down");
        assertThat(get("/health/live").statusCode()).isEqualTo(200);

        obstacle = null;
        meters.get(0).meter(TestFlows.tcp(4, 1000)).drain();
        await().until(() -> get("/health/ready").statusCode() == 200);
    }

    @Test
    void aMeterThatHasStoppedByItselfIsNotAlive() throws Exception {
        meters.get(0).fail("out of order");

        assertThat(get("/health/live").statusCode()).isEqualTo(503);
        assertThat(get("/health/live").body()).contains("out of order");
        assertThat(get("/health/ready").statusCode()).isEqualTo(503);
    }

    @Test
    void otherPathsAndMethodsAreRefused() throws Exception {
        assertThat(get("/").statusCode()).isEqualTo(404);
        assertThat(get("/metricsx").statusCode()).isEqualTo(404);
        HttpResponse<String> post =
                client.send(
                        HttpRequest.newBuilder(
                                        URI.create(
                                                "http://127.0.0.1:"
                                                        + server.getPort()
                                                        + "/metrics"))
                                .POST(HttpRequest.BodyPublishers.ofString("x"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(post.statusCode()).isEqualTo(405);
    }

    @Test
    void aPortInUseIsNoReasonToFail() {
        assertStarts("127.0.0.1", server.getPort());
    }

    @Test
    void aPortThatIsNoneIsNoReasonToFail() {
        assertStarts("127.0.0.1", 99_999);
    }

    @Test
    void anAddressThatIsNoneIsNoReasonToFail() {
        assertStarts("no-such-host.invalid", 9999);
    }

    private void assertStarts(String address, int port) {
        MetricsServer second = new MetricsServer();
        second.setCamelContext(camel);
        second.setAddress(address);
        second.setPort(port);

        second.start();

        assertThat(second.isStarted()).isTrue();
        second.stop();
    }

    @Test
    void thePortIsFreeOnceTheContextIsStopped() throws Exception {
        camel.stop();

        new ServerSocket(server.getPort(), 1, InetAddress.getByName("127.0.0.1")).close();
    }

    @Test
    void aRequestThatNeverEndsHoldsUpNoOther() throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getPort())) {
            socket.getOutputStream().write("GET /metrics HT".getBytes(StandardCharsets.US_ASCII));
            Thread.sleep(300);

            assertThat(
                            client.sendAsync(
                                            request("/health/live"),
                                            HttpResponse.BodyHandlers.ofString())
                                    .get(5, TimeUnit.SECONDS)
                                    .statusCode())
                    .isEqualTo(200);
        }
    }

    @Test
    void theOneThatIsMadeLastListensWhileTheContextRuns() throws Exception {
        MetricsServer first = server;
        for (boolean stopped : new boolean[] {true, false}) {
            if (stopped) {
                server.stop();
            }
            // As the YAML loader does when its file is reloaded.
            MetricsServer next = new MetricsServer();
            next.setPort(first.getPort());
            camel.getRegistry().bind("metrics", MetricsServer.class, next, "start", "stop");

            assertThat(metrics()).isNotEmpty();
            assertThat(server.isStopped()).isTrue();
            server = next;
        }
        server.stop();
        assertThatThrownBy(this::metrics).isInstanceOf(ConnectException.class);
    }
}
