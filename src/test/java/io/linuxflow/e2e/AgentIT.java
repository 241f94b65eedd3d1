// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.bpf.BpfMount;
import io.linuxflow.e2e.Shell.Result;
import io.linuxflow.e2e.Traffic.Total;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code flowctl agent} and {@code flowctl ipfix} as those run them who come from the Go program.
 */
class AgentIT {

    private static final String FLOWCTL = CamelCli.REPOSITORY.resolve("misc/flowctl").toString();
    private static final Map<String, Integer> TO_5000 = Map.of("destinationTransportPort", 5000);
    private static final int LOCAL_PORT = 50101;

    @TempDir private Path directory;
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
        flowctl("meter", "detach", "-i", lab.router() + ":*", "--force");
        lab.close();
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

    private Path config(String text) throws IOException {
        return Files.writeString(directory.resolve("config.yaml"), text);
    }

    /** Two collectors, both from one port as the Go program allows, and a log. */
    private Path config(IpfixCollector first, IpfixCollector second, Path log) throws IOException {
        return config(
                """
                maxIpfixMessageLen: 100
                timerFinishedDrainSeconds: 1
                timerForceDrainSeconds: 30
                timerTemplateFlushSeconds: 60
                outputs:
                - collector:
                    remoteAddress: 127.0.0.1:%d
                    localAddress: 0.0.0.0:%d
                - collector:
                    remoteAddress: localhost:%d
                    localAddress: 127.0.0.1:%d
                - log:
                    file: %s
                templates:
                - id: 1001
                  template:
                  - name: SourceIPv4Address
                - id: 1004
                  template:
                  - name: SourceIPv4Address
                  - name: DestinationIPv4Address
                  - name: ProtocolIdentifier
                  - name: SourceTransportPort
                  - name: DestinationTransportPort
                  - name: IngressInterface
                  - name: OctetDeltaCount
                  - name: PacketDeltaCount
                  - name: FlowStartMilliseconds
                  - name: FlowEndMilliseconds
                """
                        .formatted(first.port(), LOCAL_PORT, second.port(), LOCAL_PORT, log));
    }

    private static int port(SocketAddress address) {
        return ((InetSocketAddress) address).getPort();
    }

    private CamelCli agent(Path config) {
        return CamelCli.of(FLOWCTL, "agent", "-c", config.toString(), "--metrics-port=0").start();
    }

    private static Total logged(Path log) throws IOException {
        Total total = Total.NONE;
        for (String line : Files.readAllLines(log)) {
            JsonNode flow = new ObjectMapper().readTree(line);
            if (flow.get("dport").asInt() == 5000) {
                total =
                        total.plus(
                                new Total(flow.get("pkts").asLong(), flow.get("bytes").asLong()));
            }
        }
        return total;
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcx", "clsact"})
    void exportsToAllOutputsWhatIsAttachedBeforeAndWhileItRuns(String hook) throws Exception {
        Path log = directory.resolve("flow.log");
        String server = lab.router() + ":server";
        String client = lab.router() + ":client";
        succeed("meter", "attach", "-i", server, "--hook", hook, "--slots", "1000");
        Total sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
        try (IpfixCollector first = new IpfixCollector(null, "127.0.0.1");
                IpfixCollector second = new IpfixCollector(null, "127.0.0.1")) {
            try (CamelCli agent = agent(config(first, second, log))) {
                agent.awaitMetered(server, "egress")
                        .awaitLine(line -> line.contains("is taken over, with"));
                sent = sent.plus(Traffic.udp(lab.client(), 4002, Lab.SERVER, 5000, 20, 100));
                succeed("meter", "attach", "-i", client, "--hook", hook);
                sent = sent.plus(Traffic.udp(lab.server(), 4003, Lab.CLIENT, 5000, 30, 100));
                agent.awaitMetered(client, "egress");
                sent = sent.plus(Traffic.udp(lab.server(), 4004, Lab.CLIENT, 5000, 40, 100));
                assertThat(succeed("meter", "detach", "-i", client)).contains("detached");
                agent.awaitLine(line -> line.contains(client + " is detached or gone"));
                Traffic.udp(lab.server(), 4005, Lab.CLIENT, 5000, 50, 100);
                assertThat(agent.output())
                        .anyMatch(
                                line ->
                                        line.endsWith(
                                                "config.yaml:18: flows are exported with template"
                                                        + " 1004, as the Go program does; not used:"
                                                        + " 1001 (line 15)"));
                assertThat(agent.stop()).isZero();
            }
            for (IpfixCollector collector : List.of(first, second)) {
                assertThat(collector.total(TO_5000)).isEqualTo(sent);
                assertThat(collector.errors()).isEmpty();
                assertThat(collector.sources())
                        .singleElement()
                        .matches(source -> port(source) == LOCAL_PORT);
            }
            assertThat(logged(log)).isEqualTo(sent);
        }
        assertThat(succeed("meter", "status", "-i", lab.router() + ":*", "-o", "csv"))
                .contains(lab.router() + ",server,")
                .doesNotContain(",client,");
        Total after = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
        assertThat(after.packets()).isEqualTo(10);
        assertThat(succeed("dump", "--netns", lab.router(), "-S", "4001")).contains("5000");
    }

    @Test
    void metersANamespaceInWhichSomethingIsAttachedLaterAndLetsGoOfOneThatIsDeleted()
            throws Exception {
        Path log = directory.resolve("flow.log");
        String server = lab.router() + ":server";
        try (IpfixCollector first = new IpfixCollector(null, "127.0.0.1");
                IpfixCollector second = new IpfixCollector(null, "127.0.0.1");
                Lab other = new Lab();
                CamelCli agent = agent(config(first, second, log))) {
            agent.awaitStarted();
            succeed("meter", "attach", "-i", server);
            agent.awaitMetered(server, "egress");
            Total sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
            succeed("meter", "attach", "-i", other.router() + ":server");
            sent = sent.plus(Traffic.udp(other.client(), 4002, Lab.SERVER, 5000, 20, 100));
            agent.awaitMetered(other.router() + ":server", "egress");
            Set<String> pinned = pinned();
            Shell.run("ip", "netns", "delete", other.router());
            agent.awaitLine(
                    line -> line.contains("Network namespace " + other.router() + " is gone"));
            // The namespace is really gone: its end of the veth took the client's with it.
            await().until(() -> !Shell.in(other.client(), "ip", "-o", "link").contains(" eth0"));
            // Nobody could take over what is pinned of it, ever.
            assertThat(pinned()).hasSize(pinned.size() - 1);
            agent.stop();
            assertThat(first.total(TO_5000)).isEqualTo(sent);
        }
    }

    /** The network namespaces of which something is pinned. */
    private static Set<String> pinned() {
        return Set.of(Path.of("/sys/fs/bpf/linux-flow-exporter").toFile().list());
    }

    @Test
    void hooksChangeALogInTheirOrder() throws Exception {
        Path log = directory.resolve("flow.log");
        Path config =
                config(
                        """
                        timerFinishedDrainSeconds: 1
                        outputs:
                        - log:
                            file: %s
                            hooks:
                            - name: first
                              shell: |
                                #!/usr/bin/env python3
                                import json, sys
                                flows = json.load(sys.stdin)
                                for flow in flows: flow["who"] = "first"
                                json.dump(flows, sys.stdout)
                            - command: %s
                        """
                                .formatted(log, directory.resolve("hook.sh")));
        Path command =
                Files.writeString(
                        directory.resolve("hook.sh"),
                        "#!/bin/sh\nsed 's/\"first\"/\"first, then second\"/g'\n");
        assertThat(command.toFile().setExecutable(true)).isTrue();
        succeed("meter", "attach", "-i", lab.router() + ":server");
        try (CamelCli agent = agent(config)) {
            agent.awaitMetered(lab.router() + ":server", "egress");
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
            assertThat(agent.stop()).isZero();
        }
        assertThat(Files.readAllLines(log))
                .anyMatch(
                        line ->
                                line.contains("\"dport\":5000")
                                        && line.contains("\"who\":\"first, then second\""));
    }

    @Test
    void theRoutesItPrintsDoTheSame() throws Exception {
        Path log = directory.resolve("flow.log");
        Path routes = directory.resolve("routes");
        String server = lab.router() + ":server";
        succeed("meter", "attach", "-i", server);
        try (IpfixCollector first = new IpfixCollector(null, "127.0.0.1");
                IpfixCollector second = new IpfixCollector(null, "127.0.0.1")) {
            Path config = config(first, second, log);
            succeed(
                    "agent",
                    "-c",
                    config.toString(),
                    "--metrics-port=0",
                    "--print-routes",
                    "-o",
                    routes.toString());
            assertThat(
                            flowctl(
                                            "agent",
                                            "-c",
                                            config.toString(),
                                            "--metrics-port=0",
                                            "--print-routes")
                                    .output())
                    .endsWith(Files.readString(routes.resolve("agent.camel.yaml")));
            Total sent;
            try (CamelCli camel =
                    CamelCli.run(
                                    routes.resolve("agent.camel.yaml").toString(),
                                    routes.resolve("application.properties").toString())
                            .start()) {
                camel.awaitMetered(server, "egress");
                sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
                camel.stop();
                assertThat(first.total(TO_5000)).as("%s", camel.output()).isEqualTo(sent);
            }
            assertThat(second.total(TO_5000)).isEqualTo(sent);
            assertThat(first.sources())
                    .singleElement()
                    .matches(source -> port(source) == LOCAL_PORT);
            assertThat(logged(log)).isEqualTo(sent);
        }
    }

    @Test
    void aFileThatCannotBeHonouredIsAllErrorsAtOnce() throws IOException {
        Path config =
                config(
                        """
                        outputs:
                        - collector:
                            remoteAddress: 127.0.0.1:2055
                            localAdress: 0.0.0.0:50101
                        timerForceDrainSecond: 30
                        """);
        assertThat(flowctl("agent", "-c", config.toString()))
                .isEqualTo(
                        new Result(
                                2,
                                """
                                flowctl: %s:4: outputs[0].collector.localAdress: unknown key; did you mean localAddress?
                                flowctl: %s:5: timerForceDrainSecond: unknown key; did you mean timerForceDrainSeconds?
                                """
                                        .formatted(config, config)));
        assertThat(flowctl("agent", "-c", "/none.yaml"))
                .isEqualTo(new Result(2, "flowctl: /none.yaml: there is no such file\n"));
    }

    @Test
    void sendsTheFlowsOfAFile() throws Exception {
        try (IpfixCollector first = new IpfixCollector(null, "127.0.0.1");
                IpfixCollector second = new IpfixCollector(null, "127.0.0.1")) {
            Path config =
                    config(
                            """
                            maxIpfixMessageLen: 100
                            collectors:
                            - remoteAddress: 127.0.0.1:%d
                              localAddress: 0.0.0.0:%d
                            - address: localhost:%d
                            templates:
                            - id: 1001
                              template:
                              - name: SourceIPv4Address
                              - name: PacketDeltaCount
                              - name: OctetDeltaCount
                            - id: 1002
                              template:
                              - name: SourceIPv4Address
                              - name: DestinationTransportPort
                              - name: PacketDeltaCount
                              - name: OctetDeltaCount
                            """
                                    .formatted(first.port(), LOCAL_PORT, second.port()));
            StringBuilder flows = new StringBuilder("flowsets:\n");
            for (int id : List.of(1001, 1002)) {
                flows.append("- templateId: ").append(id).append("\n  flows:\n");
                for (int i = 0; i < 7; i++) {
                    flows.append(
                            """
                              - SourceIPv4Address: 0x0a010001
                                DestinationTransportPort: 22
                                PacketDeltaCount: 100
                                OctetDeltaCount: 1000
                            """);
                }
            }
            Path file = Files.writeString(directory.resolve("flow.yaml"), flows.toString());
            assertThat(succeed("ipfix", "file", "-c", config.toString(), "-f", file.toString()))
                    .isEqualTo(
                            """
                            127.0.0.1:%d: 6 messages, with 2 templates and 14 records
                            localhost:%d: 6 messages, with 2 templates and 14 records
                            """
                                    .formatted(first.port(), second.port()));
            for (IpfixCollector collector : List.of(first, second)) {
                await().until(() -> collector.records().size() == 14);
                assertThat(collector.total(Map.of("sourceIPv4Address", "10.1.0.1")))
                        .isEqualTo(new Total(1400, 14_000));
                assertThat(collector.total(Map.of("destinationTransportPort", 22)))
                        .isEqualTo(new Total(700, 7_000));
                assertThat(collector.errors()).isEmpty();
            }
            assertThat(first.sources()).singleElement().matches(s -> port(s) == LOCAL_PORT);
        }
    }

    @Test
    void sendsWhatIsNotExportedYetAndTakesNothingAway() throws Exception {
        Path log = directory.resolve("flow.log");
        succeed("meter", "attach", "-i", lab.router() + ":server");
        Total sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
        try (IpfixCollector first = new IpfixCollector(null, "127.0.0.1");
                IpfixCollector second = new IpfixCollector(null, "127.0.0.1")) {
            String config = config(first, second, log).toString();
            assertThat(succeed("ipfix", "dump", "-c", config))
                    .contains("collector-1: ", "collector-2: ", "log-1: ");
            for (IpfixCollector collector : List.of(first, second)) {
                await().until(() -> collector.total(TO_5000).equals(sent));
                assertThat(collector.errors()).isEmpty();
            }
            assertThat(logged(log)).isEqualTo(sent);
            assertThat(succeed("ipfix", "dump", "-c", config)).contains("log-1: ");
            assertThat(logged(log)).isEqualTo(sent.plus(sent));
        }
    }

    @Test
    void otherCommandsNeedNoneOfItsJars() {
        assertThat(succeed("--help")).contains("agent", "ipfix");
        assertThat(succeed("completion", "bash")).contains("--print-routes", "ipfix");
        assertThat(succeed("help", "agent")).contains("--template");
    }
}
