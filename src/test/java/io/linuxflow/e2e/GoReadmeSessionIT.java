// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.BpfMount;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The session that the README of wide-vsix/linux-flow-exporter shows, command by command, with its
 * configuration file: on a "host" that is a network namespace and a /run of its own, so that its
 * names and addresses meet nobody else's.
 */
class GoReadmeSessionIT {

    private static final String CONFIGURATION =
            """
            collectors:
            - address: 10.146.0.6:2100
            templates:
            - id: 1024
              template:
              - FlowEndMilliseconds
              - FlowStartMilliseconds
              - OctetDeltaCount
              - PacketDeltaCount
              - IpVersion
              - FlowDirection
              - SourceIPv4Address
              - DestinationIPv4Address
            """;

    @TempDir Path directory;

    private Process host;

    /** The name by which the tests know the host's network namespace. */
    private String name;

    @BeforeEach
    void makeHost() throws Exception {
        BpfMount.ensure();
        host =
                new ProcessBuilder(
                                "unshare",
                                "--net",
                                "--mount",
                                "--propagation",
                                "private",
                                "sh",
                                "-c",
                                "mount -t tmpfs tmpfs /run && mkdir /run/netns"
                                        + " && ip link set lo up"
                                        + " && ip address add 10.146.0.6/32 dev lo"
                                        + " && echo made && exec sleep infinity")
                        .redirectErrorStream(true)
                        .start();
        assertThat(firstLine(host)).isEqualTo("made");
        name = named("host", host.pid());
        Files.createSymbolicLink(
                directory.resolve("flowctl"), CamelCli.REPOSITORY.resolve("misc/flowctl"));
        Files.writeString(directory.resolve("config.yaml"), CONFIGURATION);
    }

    @AfterEach
    void removeHost() throws Exception {
        onHost("flowctl meter detach -i 'ns0:*' --force; ./misc/clean_netns.sh");
        Shell.result("ip", "netns", "delete", name);
        Shell.result("ip", "netns", "delete", "ns1-" + host.pid());
        host.destroy();
        host.waitFor(10, TimeUnit.SECONDS);
    }

    private static String firstLine(Process process) throws IOException {
        return new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
                .readLine();
    }

    /** Gives the network namespace of a process a name for the tests, and returns it. */
    private String named(String what, long pid) {
        String made = what + "-" + host.pid();
        Shell.run("ip", "netns", "attach", made, String.valueOf(pid));
        return made;
    }

    private String[] command(String line) {
        return new String[] {
            "nsenter",
            "--target",
            String.valueOf(host.pid()),
            "--net",
            "--mount",
            "sh",
            "-c",
            "cd " + CamelCli.REPOSITORY + " && PATH=" + directory + ":$PATH && " + line
        };
    }

    private Process start(String line) throws IOException {
        return new ProcessBuilder(command(line)).redirectErrorStream(true).start();
    }

    private Shell.Result onHost(String line) {
        return Shell.result(command(line));
    }

    private String succeed(String line) {
        Shell.Result result = onHost(line);
        assertThat(result.status()).as("%s: %s", line, result.output()).isZero();
        return result.output();
    }

    /** The rows of flows to or from this port, cell by cell. */
    private List<List<String>> dumped(int port) {
        List<List<String>> rows = new ArrayList<>();
        for (String line : succeed("flowctl dump").split("\n")) {
            if (line.contains(":" + port + " ")) {
                rows.add(Arrays.asList(line.split(" +")));
            }
        }
        return rows;
    }

    @Test
    void theSessionOfTheReadmeWorksAsItIs() throws Exception {
        assertThat(succeed("flowctl dependency-check")).contains("kernel", "VALID");
        assertThat(succeed("flowctl version")).isNotBlank();

        succeed("./misc/create_netns.sh");
        succeed("flowctl meter attach --netns ns0 -n eth1");
        succeed("flowctl meter attach --netns ns0 -n eth2");
        succeed("flowctl meter attach --netns ns0 -n eth3");
        assertThat(succeed("flowctl meter status"))
                .containsPattern("ns0 +eth1")
                .containsPattern("ns0 +eth2")
                .containsPattern("ns0 +eth3");

        Process inNs1 = start("exec ip netns exec ns1 sh -c 'echo there; read line'");
        assertThat(firstLine(inNs1)).isEqualTo("there");
        String ns1 = named("ns1", inNs1.pid());
        inNs1.destroy();

        Process agent =
                new ProcessBuilder(command("exec flowctl agent -c " + directory + "/config.yaml"))
                        .redirectErrorStream(true)
                        .redirectOutput(directory.resolve("agent.log").toFile())
                        .start();
        try (IpfixCollector collector = new IpfixCollector(name, "10.146.0.6", 2100)) {
            await().atMost(30, TimeUnit.SECONDS)
                    .until(() -> agentLog().contains("eth3 is metered at egress"));

            // Ended by nothing: only a flush gets it out within a test's time.
            Traffic.udp(ns1, 37869, "10.2.0.2", 80, 9, 26);
            Traffic.udp(ns1, 41585, "10.2.0.2", 80, 7, 26);
            await().untilAsserted(() -> assertThat(dumped(37869)).hasSize(1));
            assertThat(succeed("flowctl dump").split("\n")[0].split(" +"))
                    .containsExactly("IFINDEX", "PROTO", "SRC", "DST", "PKTS", "BYTES");
            List<String> flow = dumped(37869).get(0);
            assertThat(flow.subList(1, 6))
                    .containsExactly("17", "10.1.0.2:37869", "10.2.0.2:80", "9", "486");

            succeed(
                    "flowctl flush -i "
                            + flow.get(0)
                            + " -p 17 -s 10.1.0.2 -S 37869 -d 10.2.0.2 -D 80");
            assertThat(dumped(37869)).isEmpty();
            assertThat(dumped(41585)).hasSize(1);
            await().untilAsserted(
                            () ->
                                    assertThat(exported(collector))
                                            .isEqualTo(new Traffic.Total(9, 486)));

            succeed("flowctl flush --all");
            assertThat(dumped(41585)).isEmpty();
            await().untilAsserted(
                            () ->
                                    assertThat(exported(collector))
                                            .isEqualTo(new Traffic.Total(16, 864)));
            assertThat(collector.errors()).isEmpty();
        } finally {
            agent.destroy();
            assertThat(agent.waitFor(30, TimeUnit.SECONDS)).as("%s", agentLog()).isTrue();
        }
        assertThat(succeed("flowctl meter status")).containsPattern("ns0 +eth1");
    }

    private static Traffic.Total exported(IpfixCollector collector) {
        return collector.total(
                Map.of(
                        "sourceIPv4Address",
                        "10.1.0.2",
                        "destinationIPv4Address",
                        "10.2.0.2",
                        "ipVersion",
                        4,
                        "flowDirection",
                        1));
    }

    private String agentLog() throws IOException {
        return Files.readString(directory.resolve("agent.log"));
    }
}
