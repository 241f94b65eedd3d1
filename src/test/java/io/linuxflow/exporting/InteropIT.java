// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.flow.FlowBatch;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Programs that know nothing of this project read its Messages: every element comes back with the
 * right value, as far as the program knows it, without malformed Messages and sequence errors.
 */
class InteropIT {

    private static final long NOW = Flows.TIME / 1_000_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Flows of many Messages, beside those whose values are looked at. */
    private static final int MORE = 500;

    @TempDir private Path dir;

    private List<byte[]> defaults;
    private List<byte[]> everything;

    @BeforeEach
    void export() {
        defaults = datagrams(FieldList.DEFAULT);
        String everyField =
                FlowField.TABLE.stream().map(FlowField::name).collect(Collectors.joining(","));
        everything =
                datagrams(
                        FieldList.parse(
                                everyField.replace("interfaceName", "interfaceName:16")
                                        + ",interfaceName:16,matchedRule,sourceName",
                                EnterpriseElements.parse(
                                        "matchedRule/1=mark,sourceName/2=sourceHostName", 28972),
                                TemplateIds.parse("1001")));
    }

    /** One flow of each kind, then many in three batches, the last with Templates again. */
    private static List<byte[]> datagrams(FieldList fields) {
        ExportingProcess process =
                new ExportingProcess(new ExportOptions(fields, 1400, Duration.ofSeconds(60), 7));
        List<byte[]> datagrams = new ArrayList<>();
        datagrams.addAll(Exported.datagrams(Exported.octets(process, enriched(flows()), NOW)));
        for (int batch = 0; batch < 2; batch++) {
            byte[] octets =
                    Exported.octets(process, enriched(more(batch)), NOW + 60_000L * batch + 1);
            datagrams.addAll(Exported.datagrams(octets));
        }
        return datagrams;
    }

    private static FlowBatch flows() {
        return new Flows()
                .flow("192.0.2.10", "198.51.100.20", Flows.TCP)
                .ports(40001, 443)
                .interfaces(2, 3)
                .direction(1)
                .counts(7, 9000)
                .times(Flows.TIME, Flows.TIME + 1_500_000_000L)
                .vlans(100, 200)
                .tcpFlags(0x1b)
                .header(0xb8, 63, 64)
                .fragment(4711)
                .mark(42)
                .endReason(3)
                .flow("2001:db8::10", "2001:db8::20", Flows.UDP)
                .ports(40002, 53)
                .interfaces(70000, 5)
                .direction(1)
                .counts(2, 0x1_0000_0005L)
                .vlans(4094, 0)
                .header(0x20, 1, 255)
                .flowLabel(0xabcde)
                .endReason(1)
                .flow("192.0.2.11", "198.51.100.21", Flows.ICMP)
                .icmp(8, 0)
                .interfaces(2, 3)
                .direction(1)
                .counts(1, 84)
                .header(0, 64, 64)
                .endReason(2)
                .flow("2001:db8::11", "2001:db8::21", Flows.ICMPV6)
                .icmp(128, 0)
                .interfaces(4, 0)
                .counts(3, 312)
                .header(0, 64, 64)
                .endReason(4)
                .batch();
    }

    private static FlowBatch more(int batch) {
        Flows flows = new Flows();
        for (int i = 0; i < MORE; i++) {
            boolean v4 = i % 3 > 0;
            flows.flow(v4 ? "192.0.2.1" : "2001:db8::1", v4 ? "192.0.2.2" : "2001:db8::2", 17)
                    .ports(1 + i, 1 + batch)
                    .counts(1, 100);
        }
        return flows.batch();
    }

    /** With a value in every column, texts of several lengths among them. */
    private static FlowBatch enriched(FlowBatch batch) {
        return batch.with(
                List.of(
                        Enriched.column("ingressInterfaceName", batch, f -> octets("eth0")),
                        Enriched.column("egressInterfaceName", batch, f -> octets("wlan0.100")),
                        Enriched.column(
                                "interfaceDescription", batch, f -> octets("to Z\u00fcrich")),
                        Enriched.column(
                                "sourceHostName",
                                batch,
                                f ->
                                        octets(
                                                "h".repeat(f.sourceTransportPort() % 300)
                                                        + ".example")),
                        Enriched.column("sourceIPv4PrefixLength", batch, f -> new byte[] {24}),
                        Enriched.column("destinationIPv4PrefixLength", batch, f -> new byte[] {25}),
                        Enriched.column("sourceIPv6PrefixLength", batch, f -> new byte[] {48}),
                        Enriched.column("destinationIPv6PrefixLength", batch, f -> new byte[] {64}),
                        Enriched.column("ipNextHopIPv4Address", batch, f -> address("192.0.2.254")),
                        Enriched.column(
                                "ipNextHopIPv6Address", batch, f -> address("2001:db8::fe")),
                        Enriched.column(
                                "bgpNextHopIPv4Address", batch, f -> address("192.0.2.253")),
                        Enriched.column(
                                "bgpNextHopIPv6Address", batch, f -> address("2001:db8::fd")),
                        Enriched.column(
                                "bgpSourceAsNumber", batch, f -> new byte[] {0, 0, -5, -16}),
                        Enriched.column(
                                "bgpDestinationAsNumber",
                                batch,
                                f -> new byte[] {-6, 86, -22, 1})));
    }

    private static byte[] octets(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] address(String literal) {
        try {
            return InetAddress.getByName(literal).getAddress();
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    @Test
    void nfcapdReadsTheDefaultElements() throws Exception {
        nfcapd(defaults, false);
    }

    @Test
    void nfcapdReadsWhatItKnowsOfAllElements() throws Exception {
        nfcapd(everything, true);
    }

    private void nfcapd(List<byte[]> datagrams, boolean everything) throws Exception {
        int port = Collector.freePort();
        Path files = Files.createDirectory(dir.resolve("nfcapd"));
        Path log = dir.resolve("nfcapd.log");
        try (Collector nfcapd =
                Collector.start(
                        port,
                        log,
                        ("nfcapd -4 -b 127.0.0.1 -p " + port + " -t 2 -w " + files).split(" "))) {
            nfcapd.send(datagrams);
            nfcapd.stop();
        }
        assertThat(Files.readString(log))
                .contains("Observation domain 7")
                .doesNotContainPattern("Sequence Errors: [1-9]")
                .doesNotContainPattern("Bad Packets: [1-9]");

        String totals = nfdump(files, "-I");
        assertThat(totals)
                .contains("Flows: " + (4 + 2 * MORE) + "\n")
                .contains("Packets: " + (13 + 2 * MORE) + "\n")
                .contains("Bytes: " + (9000 + 0x1_0000_0005L + 84 + 312 + 2 * MORE * 100) + "\n")
                .contains("Sequence failures: 0");

        Map<Long, JsonNode> flows = byPackets(JSON.readTree(nfdump(files, "-o", "json")));
        assertFlow(
                flows.get(7L),
                """
                first=2026-11-24T12:00:00.123 last=2026-11-24T12:00:01.623 in_packets=7
                in_bytes=9000 proto=6 tcp_flags=...AP.SF src_port=40001 dst_port=443 src_tos=184
                src4_addr=192.0.2.10 dst4_addr=198.51.100.20 input_snmp=2 output_snmp=3
                direction=1 src_vlan=100
                """);
        assertFlow(
                flows.get(2L),
                """
                first=2026-11-24T12:00:00.123 last=2026-11-24T12:00:00.123 in_packets=2
                in_bytes=4294967301 proto=17 src_port=40002 dst_port=53 src_tos=32
                src6_addr=2001:db8::10 dst6_addr=2001:db8::20 input_snmp=70000 output_snmp=5
                direction=1 src_vlan=4094
                """);
        JsonNode ping = JSON.readTree(nfdump(files, "-o", "json", "proto icmp")).get(0);
        assertFlow(
                ping,
                """
                in_packets=1 in_bytes=84 proto=1 icmp_type=8 icmp_code=0 src4_addr=192.0.2.11
                dst4_addr=198.51.100.21 input_snmp=2 output_snmp=3 direction=1 src_vlan=0
                """);
        assertFlow(
                flows.get(3L),
                """
                in_packets=3 in_bytes=312 proto=58 icmp_type=128 icmp_code=0
                src6_addr=2001:db8::11 dst6_addr=2001:db8::21 input_snmp=4 output_snmp=0
                direction=0
                """);
        if (everything) {
            // So it is spelt. Texts and enterprise-specific elements it passes over.
            assertFlow(
                    flows.get(7L),
                    """
                    observationDoaminID=7 src_mask=24 dst_mask=25 src_as=64496 dst_as=4200000001
                    ip4_next_hop=192.0.2.254 bgp4_next_hop=192.0.2.253
                    """);
            assertFlow(
                    flows.get(2L),
                    """
                    src_mask=48 dst_mask=64 src_as=64496 dst_as=4200000001
                    ip6_next_hop=2001:db8::fe bgp6_next_hop=2001:db8::fd
                    """);
        }
        assertThat(nfdump(files, "-o", "raw", "packets 7"))
                .containsPattern("end reason +=.* 0x03 end of Flow detected");
    }

    private String nfdump(Path files, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("nfdump", "-R", files.toString()));
        command.addAll(List.of(arguments));
        return Collector.output(dir.resolve("nfdump.log"), command.toArray(String[]::new));
    }

    /** Those whose number of packets no other flow has. */
    private static Map<Long, JsonNode> byPackets(JsonNode flows) {
        Map<Long, JsonNode> map = new TreeMap<>();
        flows.forEach(flow -> map.put(flow.get("in_packets").asLong(), flow));
        return map;
    }

    /** Members as {@code name=value}, all of which must be there. */
    private static void assertFlow(JsonNode flow, String members) {
        Map<String, String> expected = new TreeMap<>();
        for (String member : members.strip().split("\\s+(?=[\\w.]+=)")) {
            int equals = member.indexOf('=');
            expected.put(member.substring(0, equals), member.substring(equals + 1));
        }
        Map<String, String> actual = new TreeMap<>();
        expected.keySet().forEach(name -> actual.put(name, flow.path(name).asText("missing")));
        assertThat(actual).isEqualTo(expected);
    }

    /**
     * What columns feed, and elements of one's own once it is told of them. Of IANA's elements it
     * reads texts of fixed length only, the last one if there are two, and both must be of one
     * length.
     */
    @Test
    void nfacctdReadsWhatItKnowsOfAllElements() throws Exception {
        Path primitives = dir.resolve("primitives");
        Files.writeString(
                primitives,
                """
                name=rule field_type=28972:1 len=4 semantics=u_int
                name=from field_type=28972:2 len=vlen semantics=str
                name=if_name field_type=82 len=16 semantics=str
                """);
        List<JsonNode> flows =
                nfacctd(
                        everything,
                        """
                        nfacctd_as: netflow
                        nfacctd_net: netflow
                        aggregate_primitives: %s
                        aggregate: src_host, src_port, dst_port, proto, src_as, dst_as, src_mask, dst_mask, \
                        peer_dst_ip, rule, from, if_name
                        """
                                .formatted(primitives));
        Map<String, JsonNode> bySource = bySource(flows);
        assertFlow(
                bySource.get("192.0.2.10"),
                """
                as_src=64496 as_dst=4200000001 mask_src=24 mask_dst=25 peer_ip_dst=192.0.2.253
                rule=42 from=%s.example if_name=wlan0.100 port_src=40001 packets=7 bytes=9000
                """
                        .formatted("h".repeat(40001 % 300)));
        assertFlow(
                bySource.get("2001:db8::10"),
                """
                as_src=64496 mask_src=48 mask_dst=64 peer_ip_dst=2001:db8::fd rule=0 packets=2
                """);
    }

    @Test
    void nfacctdReadsTheDefaultElements() throws Exception {
        List<JsonNode> flows =
                nfacctd(
                        defaults,
                        """
                        aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags, \
                        in_iface, out_iface, timestamp_start, timestamp_end, export_proto_sysid
                        """);
        Map<String, JsonNode> bySource = bySource(flows);
        assertFlow(
                bySource.get("192.0.2.10"),
                """
                iface_in=2 iface_out=3 ip_dst=198.51.100.20 port_src=40001 port_dst=443
                tcp_flags=27 ip_proto=tcp tos=184 timestamp_start=2026-11-24 12:00:00.123000
                timestamp_end=2026-11-24 12:00:01.623000 packets=7 bytes=9000
                export_proto_sysid=7
                """);
        assertFlow(
                bySource.get("2001:db8::10"),
                """
                iface_in=70000 iface_out=5 ip_dst=2001:db8::20 port_src=40002 port_dst=53
                tcp_flags=0 ip_proto=udp tos=32 packets=2 bytes=4294967301
                """);
        assertFlow(
                bySource.get("192.0.2.11"),
                """
                iface_in=2 iface_out=3 ip_dst=198.51.100.21 ip_proto=icmp packets=1 bytes=84
                """);
        assertFlow(
                bySource.get("2001:db8::11"),
                """
                iface_in=4 iface_out=0 ip_dst=2001:db8::21 ip_proto=ipv6-icmp packets=3 bytes=312
                """);
    }

    /** The flows it prints, given what to add up. */
    private List<JsonNode> nfacctd(List<byte[]> datagrams, String aggregate) throws Exception {
        int port = Collector.freePort();
        Path output = dir.resolve("nfacctd.json");
        Path configuration = dir.resolve("nfacctd.conf");
        Path log = dir.resolve("nfacctd.log");
        Files.writeString(
                configuration,
                """
                nfacctd_ip: 127.0.0.1
                nfacctd_port: %d
                nfacctd_disable_checks: false
                plugins: print
                print_output: json
                print_output_file: %s
                print_output_file_append: true
                print_refresh_time: 1
                timestamps_utc: true
                %s
                """
                        .formatted(port, output, aggregate));
        List<JsonNode> flows;
        try (Collector nfacctd =
                Collector.start(port, log, "nfacctd", "-f", configuration.toString())) {
            // It takes in flows before its plugin runs, and drops them.
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> Files.readString(log).contains("Purging cache - END"));
            nfacctd.send(datagrams);
            await().atMost(Duration.ofSeconds(20))
                    .untilAsserted(
                            () ->
                                    assertThat(lines(output))
                                            .hasSizeGreaterThanOrEqualTo(4 + 2 * MORE));
            nfacctd.stop();
            flows = lines(output);
        }
        assertThat(Files.readString(log)).doesNotContain("WARN").doesNotContain("ERROR");
        assertThat(flows).hasSize(4 + 2 * MORE);
        assertThat(flows.stream().mapToLong(flow -> flow.get("packets").asLong()).sum())
                .isEqualTo(13 + 2 * MORE);

        return flows;
    }

    private static Map<String, JsonNode> bySource(List<JsonNode> flows) {
        return flows.stream()
                .collect(
                        Collectors.toMap(
                                flow -> flow.get("ip_src").asText(), flow -> flow, (a, b) -> a));
    }

    private static List<JsonNode> lines(Path file) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        if (Files.exists(file)) {
            for (String line : Files.readAllLines(file)) {
                lines.add(JSON.readTree(line));
            }
        }
        return lines;
    }

    @Test
    void tsharkReadsAllElements() throws Exception {
        Path capture = dir.resolve("all.pcap");
        Pcap.write(capture, everything);
        Map<String, JsonNode> flows = tsharkFlows(capture);

        assertThat(flows).hasSize(4 + 2 * MORE);
        JsonNode tcp = flows.get("192.0.2.10 40001");
        assertFlow(
                tcp,
                """
                cflow.octets=9000 cflow.packets=7 cflow.ip_version=4 cflow.dstaddr=198.51.100.20
                cflow.protocol=6 cflow.dstport=443 cflow.inputint=2 cflow.outputint=3
                cflow.direction=1 cflow.tcpflags=0x001b cflow.tos=0xb8 cflow.ttl_min=63
                cflow.ttl_max=64 cflow.frag_ident=4711 cflow.vlanid=100 cflow.dot1q_vlan_id=100
                cflow.dot1q_customer_vlan_id=200 cflow.flow_end_reason=3 cflow.od_id=7
                cflow.if_descr=to Z\u00fcrich cflow.srcmask=24 cflow.dstmask=25
                cflow.nexthop=192.0.2.254 cflow.bgpnexthop=192.0.2.253 cflow.srcas=64496
                cflow.dstas=4200000001
                """);
        assertThat(texts(tcp.get("cflow.if_name"))).containsExactly("eth0", "wlan0.100");
        String host = "68:".repeat(40001 % 300) + "2e:65:78:61:6d:70:6c:65";
        assertThat(texts(tcp.get("cflow.enterprise_private_entry")))
                .containsExactly("00:00:00:2a", host);
        assertThat(tcp.get("Forwarding Status").get("cflow.forwarding_status").asText())
                .isEqualTo("1");
        // Seconds, milliseconds, microseconds in units of 2^-21 s, nanoseconds.
        assertThat(times(tcp, "cflow.abstimestart"))
                .containsExactly("00.000000000", "00.123000000", "00.123456001", "00.123456789");
        assertThat(times(tcp, "cflow.abstimeend"))
                .containsExactly("01.000000000", "01.623000000", "01.623456001", "01.623456789");
        assertFlow(
                flows.get("2001:db8::10 40002"),
                """
                cflow.octets=4294967301 cflow.packets=2 cflow.ip_version=6
                cflow.dstaddrv6=2001:db8::20 cflow.protocol=17 cflow.dstport=53
                cflow.inputint=70000 cflow.outputint=5 cflow.tos=0x20 cflow.ttl_min=1
                cflow.ttl_max=255 cflow.vlanid=4094 cflow.ipv6flowlabel=703710
                cflow.flow_end_reason=1 cflow.srcmaskv6=48 cflow.dstmaskv6=64
                cflow.nexthopv6=2001:db8::fe cflow.bgpnexthopv6=2001:db8::fd
                """);
        assertFlow(
                flows.get("192.0.2.11 missing"),
                """
                cflow.protocol=1 cflow.icmp_type_code_ipv4=0x0800 cflow.dstport=missing
                cflow.packets=1 cflow.octets=84
                """);
        JsonNode ping6 = flows.get("2001:db8::11 missing");
        assertFlow(
                ping6,
                """
                cflow.protocol=58 cflow.icmp_ipv6_type=128 cflow.icmp_ipv6_code=0
                cflow.dstport=missing cflow.direction=0 cflow.flow_end_reason=4
                """);
        assertThat(ping6.get("Forwarding Status").get("cflow.forwarding_status").asText())
                .isEqualTo("0");
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
    }

    @Test
    void tsharkReadsTheDefaultElements() throws Exception {
        Path capture = dir.resolve("default.pcap");
        Pcap.write(capture, defaults);
        Map<String, JsonNode> flows = tsharkFlows(capture);
        assertThat(flows).hasSize(4 + 2 * MORE);
        assertFlow(
                flows.get("192.0.2.10 40001"),
                """
                cflow.octets=9000 cflow.packets=7 cflow.ip_version=4 cflow.dstaddr=198.51.100.20
                cflow.protocol=6 cflow.dstport=443 cflow.inputint=2 cflow.outputint=3
                cflow.direction=1 cflow.tcpflags=0x1b cflow.tos=0xb8 cflow.ttl_min=63
                cflow.ttl_max=64 cflow.vlanid=100 cflow.flow_end_reason=3
                """);
        assertThat(times(flows.get("192.0.2.10 40001"), "cflow.abstimestart"))
                .containsExactly("00.123000000");
    }

    /** All flows by source address and port, after a look at what tshark complains about. */
    private Map<String, JsonNode> tsharkFlows(Path capture) throws Exception {
        String[] read = {
            "tshark", "-r", capture.toString(), "-d", "udp.port==" + Pcap.COLLECTOR_PORT + ",cflow",
        };
        String complaints =
                tshark(
                        read,
                        "-T",
                        "fields",
                        "-e",
                        "_ws.expert.message",
                        "-e",
                        "_ws.malformed",
                        "-e",
                        "cflow.sequence_analysis.expected_sn");
        assertThat(complaints).isBlank();

        Map<String, JsonNode> flows = new TreeMap<>();
        for (JsonNode frame : JSON.readTree(tshark(read, "-T", "json", "--no-duplicate-keys"))) {
            for (JsonNode set : frame.at("/_source/layers/cflow")) {
                for (Map.Entry<String, JsonNode> member : set.properties()) {
                    if (member.getKey().startsWith("Flow ")) {
                        flows.put(source(member.getValue()), member.getValue());
                    }
                }
            }
        }
        return flows;
    }

    private static String source(JsonNode flow) {
        String name = flow.has("cflow.srcaddr") ? "cflow.srcaddr" : "cflow.srcaddrv6";
        String batch = flow.path("cflow.dstport").asText().equals("2") ? " again" : "";
        return flow.get(name).asText() + " " + flow.path("cflow.srcport").asText("missing") + batch;
    }

    /** The seconds of the flow's start or end, in every resolution there is. */
    private static List<String> times(JsonNode flow, String name) {
        JsonNode times = flow.get("cflow.timedelta_tree");
        List<JsonNode> all =
                times.isArray()
                        ? StreamSupport.stream(times.spliterator(), false).toList()
                        : List.of(times);
        return all.stream()
                .map(time -> time.get(name).asText())
                .peek(time -> assertThat(time).startsWith("Nov 24, 2026 12:00:").endsWith(" UTC"))
                .map(time -> time.substring(19, 31))
                .toList();
    }

    private String tshark(String[] read, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(read));
        command.addAll(List.of(arguments));
        String output = Collector.output(dir.resolve("tshark.log"), command.toArray(String[]::new));
        return output.lines()
                .filter(line -> !line.startsWith("Running as user"))
                .collect(Collectors.joining("\n"));
    }
}
