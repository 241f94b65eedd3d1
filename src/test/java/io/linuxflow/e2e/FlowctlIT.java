// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.bpf.BpfMount;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.e2e.Shell.Result;
import io.linuxflow.e2e.Traffic.Total;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code misc/flowctl} as a user runs it, with and without an exporter. */
class FlowctlIT {

    private static final String FLOWCTL = CamelCli.REPOSITORY.resolve("misc/flowctl").toString();
    private static final ObjectMapper JSON = new ObjectMapper();

    private Lab lab;

    @BeforeAll
    static void mount() throws IOException {
        BpfMount.ensure();
    }

    @BeforeEach
    void makeLab() {
        lab = new Lab();
    }

    @AfterEach
    void removeLab() {
        flowctl("meter", "detach", "-i", everything(), "--force");
        assertThat(pins()).doesNotExist();
        lab.close();
    }

    private String everything() {
        return lab.router() + ":*";
    }

    private Path pins() {
        String cookie =
                Lab.in(lab.router(), () -> Long.toUnsignedString(NetworkNamespace.currentCookie()));
        return Path.of("/sys/fs/bpf/linux-flow-exporter/netns-" + cookie);
    }

    private static Result flowctl(String... arguments) {
        List<String> command = new ArrayList<>(List.of(FLOWCTL));
        command.addAll(List.of(arguments));
        return Shell.result(command.toArray(String[]::new));
    }

    private static String succeed(String... arguments) {
        Result result = flowctl(arguments);
        assertThat(result.status()).as("%s", result.output()).isZero();
        return result.output();
    }

    private static JsonNode json(String... arguments) throws IOException {
        return JSON.readTree(succeed(arguments));
    }

    /** What dump shows of the flows to port 5000 of the server. */
    private Total dumped() throws IOException {
        Total total = Total.NONE;
        for (JsonNode flow :
                json("dump", "--netns", lab.router(), "-D", "5000", "-p", "udp", "-o", "json")) {
            total = total.plus(new Total(flow.get("pkts").asLong(), flow.get("bytes").asLong()));
        }
        return total;
    }

    private CamelCli exporter(IpfixCollector collector, String interfaces, String interval) {
        CamelCli camel =
                CamelCli.run("routes/ipfix.camel.yaml")
                        .property("meter.interfaces", interfaces)
                        .property("meter.pin", true)
                        .property("drain.interval", interval)
                        .property("ipfix.collector", "127.0.0.1:" + collector.port())
                        .start();
        return camel.awaitMetered(interfaces, "egress");
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcx", "clsact"})
    void anExporterTakesOverWhatWasAttachedAndCounted(String hook) throws Exception {
        String server = lab.router() + ":server";
        assertThat(
                        succeed(
                                "meter",
                                "attach",
                                "--netns",
                                lab.router(),
                                "-n",
                                "server",
                                "--hook",
                                hook))
                .isEqualTo(server + " egress: attached (" + hook + ")\n");
        Total sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 100, 100);

        assertThat(dumped()).isEqualTo(sent);
        assertThat(dumped()).as("dump takes nothing away").isEqualTo(sent);

        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1")) {
            try (CamelCli camel =
                    CamelCli.run("routes/ipfix.camel.yaml")
                            .property("meter.interfaces", server)
                            .property("meter.hook", hook)
                            .property("meter.pin", true)
                            .property("drain.interval", "1h")
                            .property("ipfix.collector", "127.0.0.1:" + collector.port())
                            .start()) {
                camel.awaitLine(line -> line.contains("is taken over, with"));
                assertThat(dumped()).isEqualTo(sent);
                sent = sent.plus(Traffic.udp(lab.client(), 4002, Lab.SERVER, 5000, 50, 100));
                assertThat(dumped()).isEqualTo(sent);
                camel.stop();
            }
            assertThat(collector.total(Map.of("destinationTransportPort", 5000))).isEqualTo(sent);
        }
        assertThat(dumped()).isEqualTo(Total.NONE);
        assertThat(json("meter", "status", "-i", server, "-o", "json")).hasSize(1);
    }

    @Test
    void dumpingDoesNotDisturbAnExporterThatDrains() throws Exception {
        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1")) {
            CompletableFuture<Total> sent;
            try (CamelCli camel = exporter(collector, lab.router() + ":server", "100ms")) {
                sent =
                        CompletableFuture.supplyAsync(
                                () -> {
                                    Total total = Total.NONE;
                                    for (int i = 0; i < 100; i++) {
                                        total =
                                                total.plus(
                                                        Traffic.udp(
                                                                lab.client(),
                                                                4001 + i,
                                                                Lab.SERVER,
                                                                5000,
                                                                100,
                                                                100));
                                    }
                                    return total;
                                });
                do {
                    dumped();
                } while (!sent.isDone());
                camel.stop();
            }
            assertThat(collector.total(Map.of("destinationTransportPort", 5000)))
                    .isEqualTo(sent.get(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void aRunningExporterGetsTheFlowsOfInterfacesAttachedBesides() throws Exception {
        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel = exporter(collector, lab.router() + ":server", "1h")) {
            succeed("meter", "attach", "-i", lab.router() + ":client");
            Total sent = Traffic.udp(lab.server(), 4001, Lab.CLIENT, 5000, 30, 100);
            camel.stop();
            assertThat(collector.total(Map.of("destinationTransportPort", 5000))).isEqualTo(sent);
        }
    }

    @Test
    void theReadmesSessionOfTheGoProject() throws Exception {
        for (String device : List.of("client", "server", "collector")) {
            succeed("meter", "attach", "--netns", lab.router(), "-n", device);
        }
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);

        assertThat(json("meter", "status", "-i", everything(), "-o", "json"))
                .hasSize(3)
                .allMatch(each -> each.get("hook").asText().equals("tcx"))
                .anyMatch(
                        each ->
                                each.get("device").asText().equals("server")
                                        && each.get("packets").asInt() >= 7
                                        && each.get("slots").asInt() == 131072);
        assertThat(succeed("dump", "--netns", lab.router(), "-S", "4001").lines())
                .containsExactly(
                        "IFINDEX  PROTO  SRC            DST            PKTS  BYTES",
                        "%-9d17     10.1.0.2:4001  10.2.0.2:5000  7     896"
                                .formatted(Lab.ifindex(lab.router(), "server")));
    }

    /** What an exporter has taken and keeps in its cache is shown, and flushed as it was shown. */
    @Test
    void theReadmesSessionOfTheGoProjectWithAnExporter() throws Exception {
        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel = exporter(collector, lab.router() + ":server", "100ms")) {
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
            Traffic.udp(lab.client(), 4002, Lab.SERVER, 5000, 5, 100);
            Traffic.udp(lab.client(), 4003, Lab.SERVER, 5000, 3, 100);
            await().until(() -> places().equals(List.of("cache", "cache", "cache")));
            assertThat(collector.records()).isEmpty();

            String line =
                    succeed("dump", "--netns", lab.router(), "-S", "4001").lines().toList().get(1);
            assertThat(line)
                    .isEqualTo(
                            "%-9d17     10.1.0.2:4001  10.2.0.2:5000  7     896"
                                    .formatted(Lab.ifindex(lab.router(), "server")));
            String[] shown = line.split("[ :]+");
            assertThat(
                            succeed(
                                    "flush", "-i", shown[0], "-p", shown[1], "-s", shown[2], "-S",
                                    shown[3], "-d", shown[4], "-D", shown[5]))
                    .isEqualTo(lab.router() + ": 1 flow exported (7 packets, 896 octets)\n");
            await().until(() -> collector.records().size() == 1);
            assertThat(collector.records().get(0))
                    .matches(r -> r.has(Map.of("sourceTransportPort", 4001, "flowEndReason", 4)))
                    .matches(r -> r.number("packetDeltaCount") == 7);

            assertThat(succeed("flush", "-p", "udp", "-S", "4002", "--discard"))
                    .isEqualTo(lab.router() + ": 1 flow discarded (5 packets, 640 octets)\n");
            assertThat(flowctl("flush", "-p", "udp", "-S", "4002"))
                    .isEqualTo(new Result(1, "flowctl: there is no such flow\n"));
            assertThat(succeed("flush", "--all", "--netns", lab.router()))
                    .matches(
                            lab.router()
                                    + ": \\d+ flows? exported \\(\\d+ packets, \\d+ octets\\)\n");
            await().until(
                            () ->
                                    collector.records().stream()
                                            .anyMatch(
                                                    r ->
                                                            r.has(
                                                                    Map.of(
                                                                            "sourceTransportPort",
                                                                            4003))));
            assertThat(dumped()).isEqualTo(Total.NONE);

            // It goes on as a new record.
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 2, 100);
            await().until(() -> places().equals(List.of("cache")));
            camel.stop();
            assertThat(collector.total(Map.of("sourceTransportPort", 4001)).packets()).isEqualTo(9);
            assertThat(collector.total(Map.of("sourceTransportPort", 4002))).isEqualTo(Total.NONE);
            assertThat(collector.total(Map.of("sourceTransportPort", 4003)).packets()).isEqualTo(3);
        }
    }

    private List<String> places() throws IOException {
        List<String> places = new ArrayList<>();
        json("dump", "--netns", lab.router(), "-p", "udp", "-D", "5000", "-o", "json")
                .forEach(flow -> places.add(flow.get("place").asText()));
        return places;
    }

    @Test
    void withoutACacheFlowsAreFlushedFromTheKernel() throws Exception {
        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel =
                        CamelCli.run("routes/ipfix.camel.yaml")
                                .property("meter.interfaces", lab.router() + ":server")
                                .property("flow.activeTimeout", "0")
                                .property("drain.interval", "1h")
                                .property("ipfix.collector", "127.0.0.1:" + collector.port())
                                .start()
                                .awaitMetered(lab.router() + ":server", "egress")) {
            Total sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
            assertThat(places()).containsExactly("kernel");
            assertThat(succeed("flush", "-s", Lab.CLIENT, "-p", "udp"))
                    .isEqualTo(lab.router() + ": 1 flow exported (7 packets, 896 octets)\n");
            await().until(() -> collector.total(Map.of("flowEndReason", 4)).equals(sent));
            assertThat(dumped()).isEqualTo(Total.NONE);
            camel.stop();
        }
    }

    @Test
    void withoutAnExporterFlowsCanBeDiscarded() throws Exception {
        succeed("meter", "attach", "-i", lab.router() + ":server");
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
        Total kept = Traffic.udp(lab.client(), 4002, Lab.SERVER, 5000, 5, 100);
        assertThat(flowctl("flush", "-S", "4001"))
                .isEqualTo(
                        new Result(
                                1,
                                "flowctl: "
                                        + lab.router()
                                        + ": 1 flow is of a meter that no exporter drains: start"
                                        + " one with meter.pin=true, or throw them away with"
                                        + " --discard\n"));
        assertThat(succeed("flush", "-S", "4001", "--discard"))
                .isEqualTo(lab.router() + ": 1 flow discarded (7 packets, 896 octets)\n");
        assertThat(dumped()).isEqualTo(kept);
        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel = exporter(collector, lab.router() + ":server", "1h")) {
            camel.stop();
            assertThat(collector.total(Map.of("destinationTransportPort", 5000))).isEqualTo(kept);
        }
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
        assertThat(succeed("flush", "--all", "--discard", "--netns", lab.router()))
                .matches(
                        lab.router() + ": \\d+ flows? discarded \\(\\d+ packets, \\d+ octets\\)\n");
        assertThat(dumped()).isEqualTo(Total.NONE);
    }

    @Test
    void tellsWhenAFlowBeganWithAnExporterAndWithoutOne() throws Exception {
        succeed("meter", "attach", "-i", lab.router() + ":server");
        Instant begin = Instant.now();
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
        Instant end = Instant.now();
        String[] dump = {"dump", "--netns", lab.router(), "-S", "4001", "-o", "json"};
        JsonNode without = json(dump).get(0);
        assertThat(without.get("exporter").asLong()).isZero();
        assertThat(without.get("place").asText()).isEqualTo("kernel");
        assertThat(without.get("endreason").asInt()).isZero();
        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel = exporter(collector, lab.router() + ":server", "1h")) {
            camel.awaitLine(line -> line.contains("is taken over, with"));
            JsonNode with = json(dump).get(0);
            assertThat(with.get("exporter").asLong()).isEqualTo(camel.pid());
            for (JsonNode flow : List.of(without, with)) {
                Instant first = Instant.parse(flow.get("start").asText());
                Instant last = Instant.parse(flow.get("end").asText());
                // A tick is 10 ms at most.
                assertThat(first).isBetween(begin.minusMillis(20), end.plusMillis(20));
                assertThat(last).isBetween(first, end.plusMillis(20));
            }
        }
    }

    @Test
    void whatANamespaceLeavesPinnedIsRemovedOnceItIsGone() throws Exception {
        try (Lab other = new Lab()) {
            String pins =
                    "/sys/fs/bpf/linux-flow-exporter/netns-"
                            + Lab.in(other.router(), NetworkNamespace::currentCookie);
            succeed("meter", "attach", "-i", other.router() + ":server");
            Traffic.udp(other.client(), 4001, Lab.SERVER, 5000, 7, 100);
            assertThat(succeed("meter", "prune")).doesNotContain(pins);
            Process inside =
                    new ProcessBuilder(Shell.inNamespace(other.router(), "sleep", "1000")).start();
            Shell.run("ip", "netns", "delete", other.router());
            assertThat(succeed("meter", "prune")).doesNotContain(pins);
            inside.destroyForcibly().waitFor();
            await().until(() -> succeed("meter", "prune", "--dry").contains(pins));

            // The kernel has sent something of its own, perhaps.
            assertThat(succeed("meter", "prune").lines())
                    .anyMatch(
                            line ->
                                    line.matches(
                                            pins
                                                    + ": removed, and \\d flows? \\(\\d+ packets,"
                                                    + " \\d+ octets\\) with it"));

            assertThat(Path.of(pins)).doesNotExist();
            assertThat(succeed("meter", "prune", "--dry")).doesNotContain(pins);
        }
    }

    @Test
    void namesOfInterfacesFilterToo() throws Exception {
        succeed("meter", "attach", "-i", everything());
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 1, 10);
        assertThat(sources("-p", "udp", "-i", "server")).containsExactly("10.1.0.2:4001");
        assertThat(sources("-p", "udp", "-i", lab.router() + ":serv*,client"))
                .containsExactly("10.1.0.2:4001");
        assertThat(sources("-p", "udp", "-i", "client")).isEmpty();
        assertThat(flowctl("dump", "--netns", lab.router(), "-i", "nope"))
                .isEqualTo(new Result(1, "flowctl: no interface nope in " + lab.router() + "\n"));
    }

    @Test
    void filtersAndSortsWhatItDumps() throws Exception {
        succeed("meter", "attach", "-i", lab.router() + ":server");
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 10);
        Traffic.udp(lab.client(), 4002, Lab.SERVER, 5001, 2, 1000);
        Traffic.udp(lab.client(), 4003, Lab.SERVER6, 5002, 1, 10);
        Traffic.ping(lab.client(), Lab.SERVER, 1, 56);

        assertThat(sources("-p", "udp", "--top", "1")).containsExactly("10.1.0.2:4002");
        assertThat(sources("-p", "17", "--top", "1", "--by", "packets"))
                .containsExactly("10.1.0.2:4001");
        assertThat(sources("-s", "10.1.0.0/16", "-D", "5001")).containsExactly("10.1.0.2:4002");
        assertThat(sources("-s", "10.1.0.3")).isEmpty();
        assertThat(sources("-d", "fd00:2::/32", "-p", "udp")).containsExactly("[fd00:1::2]:4003");
        assertThat(sources("-p", "icmp")).containsExactly("10.1.0.2:0");
        assertThat(sources("-i", "99")).isEmpty();
        assertThat(succeed("dump", "--netns", lab.router(), "-D", "5000", "-o", "csv").lines())
                .hasSize(2)
                .first()
                .matches(header -> header.startsWith("ifindex,proto,src,dst,pkts,bytes,netns,"));
    }

    private List<String> sources(String... filter) throws IOException {
        List<String> arguments =
                new ArrayList<>(List.of("dump", "--netns", lab.router(), "-o", "json"));
        arguments.addAll(List.of(filter));
        List<String> sources = new ArrayList<>();
        json(arguments.toArray(String[]::new)).forEach(f -> sources.add(f.get("src").asText()));
        return sources;
    }

    @Test
    void watchesUntilItIsInterrupted() {
        succeed("meter", "attach", "-i", lab.router() + ":server");
        Result result =
                Shell.result(
                        "timeout", "3", FLOWCTL, "dump", "--netns", lab.router(), "--watch", "0.2");
        assertThat(result.status()).isEqualTo(124);
        assertThat(result.output().lines().filter(line -> line.startsWith("IFINDEX")).count())
                .isGreaterThan(1);
    }

    @Test
    void watchesUntilNobodyReadsAnyMore() {
        assertThat(
                        Shell.result(
                                "bash",
                                "-c",
                                "timeout 30 "
                                        + FLOWCTL
                                        + " dump --netns "
                                        + lab.router()
                                        + " --watch 0.2 | head -n 1; exit ${PIPESTATUS[0]}"))
                .isEqualTo(new Result(1, "IFINDEX  PROTO  SRC  DST  PKTS  BYTES\n"));
    }

    @Test
    void outputThatCannotBeWrittenIsNoSuccess() {
        assertThat(Shell.result("bash", "-c", FLOWCTL + " ebpf code-dump >/dev/full"))
                .isEqualTo(new Result(1, "flowctl: standard output: No space left on device\n"));
    }

    @Test
    void aFileThatCannotBeWrittenIsNamedWithTheReason() {
        String config = CamelCli.REPOSITORY.resolve("misc/examples/agent.yaml").toString();
        assertThat(flowctl("agent", "-c", config, "--print-routes", "-o", "/etc/passwd"))
                .isEqualTo(new Result(1, "flowctl: /etc/passwd: is no directory\n"));
    }

    @Test
    void attachesWhereItIsToldTo() {
        String server = lab.router() + ":server";
        String attach =
                succeed(
                        "meter",
                        "attach",
                        "-i",
                        server,
                        "--hook",
                        "clsact",
                        "--direction",
                        "both",
                        "--pref",
                        "7",
                        "--handle",
                        "9",
                        "--interface-max-flow-limit",
                        "1000");
        assertThat(attach.lines())
                .containsExactly(
                        server + " ingress: attached (clsact)",
                        server + " egress: attached (clsact)");
        for (String direction : List.of("ingress", "egress")) {
            assertThat(Shell.in(lab.router(), "tc", "filter", "show", "dev", "server", direction))
                    .contains("pref 7 ", "handle 0x9 ", "flow_" + direction);
        }
        assertThat(succeed("meter", "status", "-i", server)).contains(" 1000 ");

        for (String how : List.of("--force", "--dry", "--direction=egress")) {
            assertThat(flowctl("meter", "attach", "-i", server, "--slots", "2000", how))
                    .as(how)
                    .isEqualTo(
                            new Result(
                                    1,
                                    "flowctl: this namespace is metered with 1000 slots already,"
                                            + " not 2000: leave the number out, or detach all its"
                                            + " interfaces first\n"));
        }
        assertThat(succeed("meter", "attach", "-i", server))
                .isEqualTo(server + " egress: is attached already\n");
        assertThat(succeed("meter", "attach", "-i", server, "--force"))
                .isEqualTo(server + " egress: attached (tcx)\n");
        assertThat(Shell.in(lab.router(), "tc", "filter", "show", "dev", "server", "egress"))
                .isBlank();
    }

    /** Scripts have what its commands took, in the long form and the short one. */
    @Test
    void optionsOfTheGoProgramAreTaken() throws Exception {
        String server = lab.router() + ":server";
        String[] place = {"--pref", "100", "--chain", "0", "--handle", "1"};
        assertThat(meter("attach", server, place).output())
                .as("tcx has no such numbers")
                .isEqualTo(server + " egress: attached (clsact)\n");
        assertThat(json("meter", "status", "-i", server, "-o", "json"))
                .singleElement()
                .matches(
                        each -> each.get("pref").asInt() == 100 && each.get("handle").asInt() == 1);
        assertThat(meter("detach", server, place))
                .matches(result -> result.status() == 0)
                .matches(result -> result.output().startsWith(server + " egress: detached\n"));
        flowctl("meter", "detach", "-i", server, "--force");
        assertThat(meter("attach", server, "-l", "1000", "-f"))
                .isEqualTo(new Result(0, server + " egress: attached (tcx)\n"));
        assertThat(json("meter", "status", "-i", server, "-o", "json"))
                .singleElement()
                .matches(each -> each.get("slots").asInt() == 1000);
        assertThat(meter("attach", server, "-f", "--hook", "tcx", "--pref", "100"))
                .isEqualTo(
                        new Result(
                                1,
                                "flowctl: tcx has no --pref, --handle and --chain: leave them or"
                                        + " --hook tcx out\n"));
        assertThat(flowctl("ipfix", "file", "--config", "/nowhere", "--flow", "/nowhere").output())
                .contains("/nowhere: there is no such file");
    }

    private static Result meter(String action, String device, String... options) {
        List<String> arguments = new ArrayList<>(List.of("meter", action, "-i", device));
        arguments.addAll(List.of(options));
        return flowctl(arguments.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcx", "clsact"})
    void measuresLatencyFromWhereItStampsPackets(String hook) throws Exception {
        String client = lab.router() + ":client";
        String server = lab.router() + ":server";
        assertThat(flowctl("meter", "attach", "-i", server, "--latency", "--direction", "ingress"))
                .isEqualTo(
                        new Result(
                                1,
                                "flowctl: latency is measured where packets leave: give the"
                                        + " direction egress or both\n"));
        assertThat(succeed("meter", "attach", "-i", server, "--latency", "--hook", hook).lines())
                .containsExactly(
                        server + " egress: attached (" + hook + ")",
                        server + " ingress: attached (" + hook + ")");
        succeed("meter", "attach", "-i", client, "--hook", hook);
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);

        assertThat(json("meter", "status", "-i", server, "-o", "json"))
                .hasSize(2)
                .anyMatch(
                        each ->
                                each.get("work").asText().equals("meters_and_times")
                                        && each.get("direction").asText().equals("egress")
                                        && each.get("latency_packets").asInt() == 7
                                        && each.get("latency_ns").asLong() > 7 * 100)
                .anyMatch(
                        each ->
                                each.get("work").asText().equals("stamps")
                                        && each.get("direction").asText().equals("ingress"));

        assertThat(succeed("meter", "attach", "-i", client, "--direction", "ingress"))
                .isEqualTo(client + " ingress: attached (tcx)\n");
        assertThat(succeed("meter", "detach", "-i", client, "--direction", "egress"))
                .as("it is metered at ingress still")
                .contains(client + " egress: detached\n")
                .doesNotContain("ingress");
        assertThat(
                        succeed("meter", "detach", "-i", server, "--direction", "egress")
                                .lines()
                                .filter(line -> line.startsWith(server)))
                .containsExactly(server + " egress: detached", server + " ingress: detached");
        succeed("meter", "detach", "-i", client, "--force");
        succeed("meter", "attach", "-i", server);
        for (String device : List.of(client, server)) {
            assertThat(flowctl("meter", "attach", "-i", device, "--latency"))
                    .isEqualTo(
                            new Result(
                                    1,
                                    "flowctl: this namespace is metered without latency already:"
                                            + " leave it out, or detach all its interfaces"
                                            + " first\n"));
        }
    }

    @Test
    void aFilterInAnotherChainIsShownAndDetached() throws Exception {
        String server = lab.router() + ":server";
        succeed("meter", "attach", "-i", server, "--hook", "clsact", "--chain", "5", "--pref", "3");
        assertThat(json("meter", "status", "-i", server, "-o", "json"))
                .singleElement()
                .matches(each -> each.get("chain").asInt() == 5 && each.get("pref").asInt() == 3);
        assertThat(succeed("meter", "detach", "-i", server)).contains("egress: detached");
        assertThat(json("meter", "status", "-i", server, "-o", "json")).isEmpty();
    }

    @Test
    void dryChangesNothing() throws Exception {
        String server = lab.router() + ":server";
        assertThat(succeed("meter", "attach", "-i", server, "--dry"))
                .isEqualTo(server + " egress: would be attached\n");
        assertThat(json("meter", "status", "-i", server, "-o", "json")).isEmpty();
        succeed("meter", "attach", "-i", server);
        assertThat(succeed("meter", "detach", "-i", server, "--dry"))
                .isEqualTo(server + " egress: would be detached\n");
        assertThat(json("meter", "status", "-i", server, "-o", "json")).hasSize(1);
    }

    @Test
    void whatIsNotExportedSurvivesDetachingUnlessItIsForced() throws Exception {
        String server = lab.router() + ":server";
        succeed("meter", "attach", "-i", server);
        Total sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
        assertThat(succeed("meter", "detach", "-i", server))
                .contains(server + " egress: detached", "kept: an exporter with");
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
        assertThat(dumped()).isEqualTo(sent);
        assertThat(succeed("meter", "detach", "-i", server, "--force"))
                .containsPattern("flows? (is|are) discarded");
        assertThat(dumped()).isEqualTo(Total.NONE);
    }

    @Test
    void anExporterWithoutPinIsShownAndLeftAlone() throws Exception {
        String server = lab.router() + ":server";
        try (IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel =
                        CamelCli.run("routes/ipfix.camel.yaml")
                                .property("meter.interfaces", server)
                                .property("drain.interval", "1h")
                                .property("ipfix.collector", "127.0.0.1:" + collector.port())
                                .start()) {
            camel.awaitMetered(server, "egress");
            Total sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 7, 100);
            assertThat(dumped()).isEqualTo(sent);
            assertThat(json("meter", "status", "-i", server, "-o", "json"))
                    .singleElement()
                    .matches(each -> !each.get("pinned").asBoolean());
            assertThat(flowctl("meter", "detach", "-i", server))
                    .isEqualTo(
                            new Result(
                                    1,
                                    "flowctl: "
                                            + server
                                            + " egress: a running process holds it: stop that"
                                            + " process\n"));
            camel.stop();
            assertThat(collector.total(Map.of("destinationTransportPort", 5000))).isEqualTo(sent);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "2 | which command?                 | ",
                "2 | Unmatched argument             | foo",
                "2 | attach, detach, prune or       | meter",
                "2 | no interface: give             | meter attach",
                "2 | -n DEV says what               | meter attach --netns nope",
                "1 | ip netns add makes one         | meter attach --netns nope -n eth0",
                "1 | no interface nope              | meter attach -n nope",
                "2 | neither DEV nor NETNS:DEV      | meter attach -i a:b:c/d",
                "2 | direction                      | meter attach -n lo --direction sideways",
                "1 | slots is 0: give 1 to          | meter attach -n lo --slots 0",
                "1 | a tc priority is 0 to 65535    | meter attach -n lo --pref 70000",
                "1 | lo: nothing is attached there  | meter detach -n lo",
                "2 | is no address or prefix        | dump -s example.com",
                "2 | is no address or prefix        | dump -s 10.0.0.0/33",
                "2 | neither a number up to 255 nor | dump -p foo",
                "2 | is no interface's index        | dump -i 99999999999",
                "2 | neither DEV nor NETNS:DEV      | dump -i a:b/c",
                "2 | neither a number up to 255 nor | dump -p 256",
                "2 | \"-1\" is no port              | dump -D -1",
                "2 | \"65536\" is no port           | flush -p tcp -S 65536 --discard",
                "2 | --top 0: give 1 or more        | dump --top 0",
                "2 | --watch 0.0: give 0.1 or more  | dump --watch=0",
                "2 | --watch -1.0: give 0.1 or more | dump --watch=-1",
                "2 | which flows? Give --all, or of | flush",
                "2 | which flows? Give --all, or of | flush --discard --netns nope",
                "2 | not both                       | flush --all -p tcp",
                "1 | ip netns add makes one         | flush --all --netns nope",
                "2 | Invalid value for option       | dump -o xml",
                "2 | Invalid value                  | completion fish",
                "2 | the routes have no drain.tick  | agent -c misc/examples/agent.yaml -P"
                        + " drain.tick=1",
            })
    void whatIsWrongIsSaidOnOneLine(int status, String text, String arguments) {
        Result result = flowctl(arguments == null ? new String[0] : arguments.strip().split(" "));
        assertThat(result.output()).startsWith("flowctl: ").contains(text);
        assertThat(result.output().lines().filter(l -> !l.startsWith("flowctl: see "))).hasSize(1);
        assertThat(result.status()).isEqualTo(status);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "meter ",
                "meter attach ",
                "meter detach ",
                "meter status ",
                "dump ",
                "flush ",
                "dependency-check ",
                "version ",
                "completion ",
                "ebpf ",
                "ebpf code-dump "
            })
    void everyCommandHasHelp(String command) {
        assertThat(succeed((command + "--help").split(" ")))
                .startsWith(("Usage: flowctl " + command).strip());
    }

    @Test
    void checksThatThisMachineWillDo() throws Exception {
        JsonNode checks = json("dependency-check", "-o", "json");
        assertThat(checks)
                .filteredOn(check -> check.get("needed").asText().equals("to run"))
                .hasSizeGreaterThan(8)
                .allMatch(check -> check.get("state").asText().equals("VALID"));
        assertThat(checks).anyMatch(check -> check.get("requirement").asText().equals("tcx"));
    }

    private static Result withoutCapabilities(String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all", FLOWCTL));
        command.addAll(List.of(arguments));
        return Shell.result(command.toArray(String[]::new));
    }

    /** Who may not see what there is must not be told that there is nothing. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "meter status",
                "dump",
                "flush --all",
                "ipfix dump -c misc/examples/agent.yaml",
                "agent -c misc/examples/agent.yaml --metrics-port=0"
            })
    void withoutCapabilitiesItSaysSo(String arguments) {
        succeed("meter", "attach", "-i", lab.router() + ":server");
        Result result =
                withoutCapabilities(
                        arguments.replace("misc", CamelCli.REPOSITORY + "/misc").split(" "));
        assertThat(result.output()).contains("flowctl: ", "(EPERM). Run as root");
        assertThat(result.status()).isEqualTo(1);
    }

    @Test
    void withoutCapabilitiesWhatIsAttachedInTheOwnNamespaceIsNotSeenEither() {
        Result result =
                Shell.result(
                        "unshare",
                        "-m",
                        "sh",
                        "-c",
                        "mount -t tmpfs none /run && exec setpriv --bounding-set=-all"
                                + " --inh-caps=-all "
                                + FLOWCTL
                                + " meter status");
        assertThat(result.output()).startsWith("flowctl: ").contains("(EPERM). Run as root");
        assertThat(result.status()).isEqualTo(1);
    }

    @Test
    void withoutCapabilitiesTheCheckFailsAndSaysWhatToDo() {
        Result result = withoutCapabilities("dependency-check");
        assertThat(result.status()).isEqualTo(1);
        assertThat(result.output().lines())
                .anyMatch(
                        line ->
                                line.startsWith("CAP_BPF ")
                                        && line.contains("INVALID")
                                        && line.endsWith("Run as root, or grant it"));
    }

    @Test
    void printsItsVersionTheSourceAndTheCompletion() throws Exception {
        assertThat(succeed("version")).matches("flowctl \\d+\\.\\d+\\.\\d+\n");
        assertThat(succeed("ebpf", "code-dump"))
                .contains(
                        Files.readString(CamelCli.REPOSITORY.resolve("bpf/flow.h")),
                        Files.readString(CamelCli.REPOSITORY.resolve("bpf/flowmeter.bpf.c")));
        assertThat(
                        Shell.run(
                                "bash",
                                "-c",
                                "source <(" + FLOWCTL + " completion bash) && complete -p flowctl"))
                .contains("_complete_flowctl");
        assertThat(succeed("completion", "zsh")).startsWith("autoload -U +X compinit");
    }
}
