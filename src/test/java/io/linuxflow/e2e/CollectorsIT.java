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
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Other people's collectors have what was sent, from the real CLI. */
class CollectorsIT {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PORT = 4739;
    private static final int FLOWS = 300;

    @TempDir private Path directory;
    private Lab lab;

    /** By source port. */
    private final Map<Integer, Total> sent = new TreeMap<>();

    @BeforeEach
    void makeLab() {
        lab = new Lab();
    }

    @AfterEach
    void removeLab() {
        lab.close();
    }

    /** Exports many drains of IPv4 and IPv6 flows, and ICMP, from start to stop. */
    private void export() {
        try (CamelCli camel =
                CamelCli.runRoutes()
                        .in(lab.router())
                        .property("meter.interfaces", "server")
                        .property("drain.interval", "200ms")
                        .property("flow.activeTimeout", "0")
                        .property("ipfix.templateRefresh", "1s")
                        .property("ipfix.collector", Lab.COLLECTOR + ":" + PORT)
                        .start()) {
            camel.awaitMetered("server", "egress");
            for (int i = 0; i < FLOWS; i++) {
                String destination = i % 3 == 0 ? Lab.SERVER6 : Lab.SERVER;
                Total total = Traffic.udp(lab.client(), 4001 + i, destination, 5000, 3, i);
                sent.put(4001 + i, total);
            }
            Traffic.ping(lab.client(), Lab.SERVER, 5, 56);
            Traffic.ping(lab.client(), Lab.SERVER6, 5, 56);
            camel.stop();
            assertThat(camel.output()).noneMatch(line -> line.contains("Exception"));
        }
    }

    @Test
    void nfcapdAndTshark() throws IOException {
        Path files = Files.createDirectory(directory.resolve("nfcapd"));
        Path capture = directory.resolve("capture.pcap");
        // Else a capture between namespaces shows what the network card would cut into datagrams.
        Shell.in(lab.router(), "ethtool", "-K", "collector", "tx-udp-segmentation", "off");
        try (Program nfcapd =
                        new Program(
                                lab.collector(),
                                directory.resolve("nfcapd.log"),
                                log -> listens(),
                                "nfcapd",
                                "-4",
                                "-b",
                                Lab.COLLECTOR,
                                "-p",
                                String.valueOf(PORT),
                                "-t",
                                "2",
                                "-w",
                                files.toString());
                Program tcpdump =
                        new Program(
                                lab.collector(),
                                directory.resolve("tcpdump.log"),
                                log -> log.contains("listening on"),
                                "tcpdump",
                                "-i",
                                "eth0",
                                "-U",
                                "--immediate-mode",
                                "-Z",
                                "root",
                                "-w",
                                capture.toString(),
                                "udp port " + PORT)) {
            export();
            tcpdump.stop();
            nfcapd.stop();
            assertThat(nfcapd.output())
                    .doesNotContainPattern("Sequence Errors: [1-9]")
                    .doesNotContainPattern("Bad Packets: [1-9]");
        }
        assertThat(nfdump(files, "-I")).contains("Sequence failures: 0");
        Map<Integer, Total> received = new TreeMap<>();
        for (JsonNode flow : JSON.readTree(nfdump(files, "-o", "json", "proto udp"))) {
            received.merge(
                    flow.get("src_port").asInt(),
                    new Total(flow.get("in_packets").asLong(), flow.get("in_bytes").asLong()),
                    Total::plus);
        }
        assertThat(received).isEqualTo(sent);
        assertThat(nfdump(files, "-o", "json", "proto icmp")).contains("\"icmp_type\" : 8");

        String[] tshark = {
            "tshark", "-r", capture.toString(), "-d", "udp.port==" + PORT + ",cflow", "-T", "fields"
        };
        assertThat(
                        tshark(
                                tshark,
                                "-e",
                                "_ws.expert.message",
                                "-e",
                                "_ws.malformed",
                                "-e",
                                "cflow.sequence_analysis.expected_sn"))
                .isBlank();
        // Every one in one datagram, of one source socket.
        assertThat(tshark(tshark, "-e", "udp.srcport").lines().distinct()).hasSize(1);
        long packets =
                Stream.of(tshark(tshark, "-Y", "cflow.protocol == 17", "-e", "cflow.packets"))
                        .flatMap(String::lines)
                        .flatMap(line -> Stream.of(line.split(",")))
                        .mapToLong(Long::parseLong)
                        .sum();
        assertThat(packets).isGreaterThanOrEqualTo(3L * FLOWS);
    }

    private boolean listens() {
        return Shell.in(lab.collector(), "ss", "-lnuH").contains(Lab.COLLECTOR + ":" + PORT);
    }

    private static String nfdump(Path files, String... arguments) {
        return with(new String[] {"nfdump", "-R", files.toString()}, arguments);
    }

    /** Without its remark that it is run as root. */
    private static String tshark(String[] command, String... arguments) {
        return with(command, arguments).replaceAll("(?m)^Running as user \"root\".*\\R", "");
    }

    private static String with(String[] command, String... arguments) {
        return Shell.run(
                Stream.concat(Stream.of(command), Stream.of(arguments)).toArray(String[]::new));
    }

    @Test
    void nfacctd() throws IOException {
        Path output = directory.resolve("nfacctd.json");
        Path configuration = directory.resolve("nfacctd.conf");
        Files.writeString(
                configuration,
                """
                nfacctd_ip: %s
                nfacctd_port: %d
                nfacctd_disable_checks: false
                plugins: print
                print_output: json
                print_output_file: %s
                print_output_file_append: true
                print_refresh_time: 1
                aggregate: src_host, dst_host, src_port, dst_port, proto, in_iface, out_iface
                """
                        .formatted(Lab.COLLECTOR, PORT, output));
        try (Program nfacctd =
                new Program(
                        lab.collector(),
                        directory.resolve("nfacctd.log"),
                        // It takes in flows before its plugin runs, and drops them.
                        log -> log.contains("Purging cache - END"),
                        "nfacctd",
                        "-f",
                        configuration.toString())) {
            export();
            await().untilAsserted(() -> assertThat(received(output)).isEqualTo(sent));
            nfacctd.stop();
            assertThat(nfacctd.output()).doesNotContain("WARN").doesNotContain("ERROR");
        }
    }

    private static Map<Integer, Total> received(Path file) throws IOException {
        Map<Integer, Total> received = new TreeMap<>();
        List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
        for (String line : lines) {
            JsonNode flow = JSON.readTree(line);
            if (flow.get("ip_proto").asText().equals("udp")) {
                received.merge(
                        flow.get("port_src").asInt(),
                        new Total(flow.get("packets").asLong(), flow.get("bytes").asLong()),
                        Total::plus);
            }
        }
        return received;
    }
}
