// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.PacketBuilder.ACK;
import static io.linuxflow.bpf.PacketBuilder.FIN;
import static io.linuxflow.bpf.PacketBuilder.RST;
import static io.linuxflow.bpf.PacketBuilder.SYN;
import static io.linuxflow.bpf.PacketBuilder.bare;
import static io.linuxflow.bpf.PacketBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The programs of bpf/ on packets that are made up, through BPF_PROG_TEST_RUN. The device is the
 * loopback device, ifIndex 1.
 *
 * <p>What it can't make: tags that a network card took out, headers outside an skb's linear part,
 * and real devices without a link-layer header.
 */
class FlowMeterProgramIT {

    private static final String EGRESS = "flow_egress";

    /** Loading takes long, so the table shares one. */
    private static final Meter shared = new Meter();

    private Meter meter = new Meter();

    @BeforeAll
    static void loadShared() {
        shared.load();
    }

    @AfterAll
    static void closeShared() {
        shared.close();
    }

    @AfterEach
    void close() {
        meter.close();
    }

    private static Arguments row(String name, PacketBuilder packet, String expected) {
        return row(name, packet.build(), expected);
    }

    private static Arguments row(String name, byte[] packet, String expected) {
        return row(name, TestRun.of(packet), expected);
    }

    private static Arguments row(String name, TestRun run, String expected) {
        return Arguments.of(name, EGRESS, run, expected);
    }

    private static Arguments row(String name, String program, byte[] packet, String expected) {
        return Arguments.of(name, program, TestRun.of(packet), expected);
    }

    private static PacketBuilder ipv4() {
        return ethernet().ipv4();
    }

    private static PacketBuilder ipv6() {
        return ethernet().ipv6();
    }

    /** Packet, and what {@link Meter#outcome} has to be: 1/46 is one packet, 46 octets. */
    static Stream<Arguments> packets() {
        String v4 = "10.0.0.1:%d > 10.0.0.2:%d protocol %d: ";
        String v6 = "2001:db8::1:%d > 2001:db8::2:%d protocol %d: ";
        String tcp4 = v4.formatted(40000, 443, 6);
        String tcp6 = v6.formatted(40000, 443, 6);
        String udp4 = v4.formatted(40000, 53, 17);
        String udp6 = v6.formatted(40000, 53, 17);
        return Stream.of(
                // transport protocols
                row("TCP", ipv4().tcp(40000, 443, ACK), tcp4 + "1/40 flags 10"),
                row("TCP SYN", ipv4().tcp(40000, 443, SYN), tcp4 + "1/40 flags 2"),
                row("TCP FIN", ipv4().tcp(40000, 443, FIN | ACK), tcp4 + "1/40 flags 11 ended"),
                row("TCP RST", ipv4().tcp(40000, 443, RST), tcp4 + "1/40 flags 4 ended"),
                row(
                        "TCP, all 12 flags (RFC 9565)",
                        ipv4().tcp(40000, 443, 0xfff),
                        tcp4 + "1/40 flags fff ended"),
                row("TCP options", ipv4().tcp(40000, 443, SYN, 40), tcp4 + "1/80 flags 2"),
                row("TCP over IPv6", ipv6().tcp(40000, 443, SYN), tcp6 + "1/60 flags 2"),
                row("UDP", ipv4().udp(40000, 53).payload(18), udp4 + "1/46"),
                row("UDP over IPv6", ipv6().udp(40000, 53).payload(18), udp6 + "1/66"),
                row("UDP-Lite", ipv4().udpLite(1, 65535), v4.formatted(1, 65535, 136) + "1/28"),
                row("SCTP", ipv4().sctp(9899, 3868), v4.formatted(9899, 3868, 132) + "1/32"),
                row("SCTP over IPv6", ipv6().sctp(1, 2), v6.formatted(1, 2, 132) + "1/52"),
                row("DCCP", ipv4().dccp(5004, 5005), v4.formatted(5004, 5005, 33) + "1/32"),
                row("ICMP", ipv4().icmp(8, 0), v4.formatted(0, 0, 1) + "1/28 type 800"),
                row("ICMP code", ipv4().icmp(3, 4), v4.formatted(0, 0, 1) + "1/28 type 304"),
                row("ICMPv6", ipv6().icmpv6(135, 0), v6.formatted(0, 0, 58) + "1/48 type 8700"),
                row(
                        "ICMP over IPv6 is not ICMP",
                        ipv6().icmp(8, 0),
                        v6.formatted(0, 0, 1) + "1/48"),
                row(
                        "ICMPv6 over IPv4 is not ICMP",
                        ipv4().icmpv6(128, 0),
                        v4.formatted(0, 0, 58) + "1/28"),
                row("GRE", ipv4().protocol(47).payload(20), v4.formatted(0, 0, 47) + "1/40"),
                row("ESP", ipv6().protocol(50).payload(32), v6.formatted(0, 0, 50) + "1/72"),
                row(
                        "IPv6 in IPv4",
                        ipv4().protocol(41).payload(60),
                        v4.formatted(0, 0, 41) + "1/80"),

                // IP headers
                row(
                        "IPv4 addresses",
                        ethernet().ipv4("192.0.2.255", "255.255.255.255").udp(68, 67),
                        "192.0.2.255:68 > 255.255.255.255:67 protocol 17: 1/28"),
                row(
                        "IPv6 addresses",
                        ethernet().ipv6("2001:db8:1:2:3:4:5:6", "ff02::fb").udp(5353, 5353),
                        "2001:db8:1:2:3:4:5:6:5353 > ff02:0:0:0:0:0:0:fb:5353 protocol 17: 1/48"),
                row(
                        "IPv4 fields",
                        ipv4().tos(0xb9).id(0xfedc).ttl(1).udp(40000, 53),
                        udp4 + "1/28 tos b9 id fedc ttl 1"),
                row(
                        "IPv6 fields",
                        ipv6().trafficClassAndLabel(0xb9, 0xfedcb).ttl(255).udp(40000, 53),
                        udp6 + "1/48 tos b9 label fedcb ttl 255"),
                row("IPv4 options", ipv4().ipv4Options(4).udp(40000, 53), udp4 + "1/32"),
                row(
                        "40 octets of IPv4 options",
                        ipv4().ipv4Options(40).udp(40000, 53),
                        udp4 + "1/68"),
                row("Ethernet padding", ipv4().udp(40000, 53).padding(18), udp4 + "1/28"),
                row("Ethernet padding, IPv6", ipv6().udp(40000, 53).padding(9), udp6 + "1/48"),
                row("nothing but a header", ipv4().protocol(6), v4.formatted(0, 0, 6) + "1/20"),
                row(
                        "padding is not a UDP header",
                        ipv4().protocol(17).padding(26),
                        v4.formatted(0, 0, 17) + "1/20"),
                row(
                        "no next header",
                        ipv6().protocol(59).padding(6),
                        v6.formatted(0, 0, 59) + "1/40"),

                // fragments
                row(
                        "first IPv4 fragment",
                        ipv4().id(7).fragment(0, true).udp(40000, 53).payload(8),
                        udp4 + "1/36 id 7"),
                row(
                        "later IPv4 fragment",
                        ipv4().id(7).fragment(1480, true).protocol(17).payload(16),
                        v4.formatted(0, 0, 17) + "1/36 id 7"),
                row(
                        "last IPv4 fragment of ICMP",
                        ipv4().id(7).fragment(8, false).protocol(1).payload(16),
                        v4.formatted(0, 0, 1) + "1/36 id 7"),
                row(
                        "first IPv6 fragment",
                        ipv6().fragmentHeader(0, true, 0xcafebabe).udp(40000, 53).payload(8),
                        udp6 + "1/64 id cafebabe"),
                row(
                        "later IPv6 fragment",
                        ipv6().fragmentHeader(1448, false, 0xcafebabe).protocol(17).payload(16),
                        v6.formatted(0, 0, 17) + "1/64 id cafebabe"),
                row(
                        "later IPv6 fragment of an extension header",
                        ipv6().fragmentHeader(8, true, 1).protocol(60).payload(16),
                        v6.formatted(0, 0, 60) + "1/64 id 1"),

                // IPv6 extension headers
                row("hop-by-hop", ipv6().extension(0, 8).udp(40000, 53), udp6 + "1/56"),
                row("routing", ipv6().extension(43, 24).udp(40000, 53), udp6 + "1/72"),
                row(
                        "destination options",
                        ipv6().extension(60, 64).tcp(40000, 443, 0),
                        tcp6 + "1/124"),
                row("authentication", ipv6().extension(51, 24).udp(40000, 53), udp6 + "1/72"),
                row(
                        "authentication, 28 octets",
                        ipv6().extension(51, 28).udp(40000, 53),
                        udp6 + "1/76"),
                row(
                        "mobility",
                        ipv6().extension(135, 8).protocol(59),
                        v6.formatted(0, 0, 59) + "1/48"),
                row("HIP", ipv6().extension(139, 40).protocol(59), v6.formatted(0, 0, 59) + "1/80"),
                row("shim6", ipv6().extension(140, 8).udp(40000, 53), udp6 + "1/56"),
                row(
                        "2048 octets of options",
                        ipv6().extension(60, 2048).udp(40000, 53),
                        udp6 + "1/2096"),
                row(
                        "RFC 8200 order",
                        ipv6().extension(0, 8)
                                .extension(60, 8)
                                .extension(43, 8)
                                .fragmentHeader(0, true, 5)
                                .extension(51, 16)
                                .extension(60, 8)
                                .icmpv6(128, 0),
                        v6.formatted(0, 0, 58) + "1/104 id 5 type 8000"),
                row("8 extension headers", extensions(8).udp(40000, 53), udp6 + "1/112"),
                row(
                        "9 extension headers are too many",
                        extensions(9).udp(40000, 53),
                        v6.formatted(0, 0, 60) + "1/120"),
                row(
                        "extension header that is not all there",
                        ipv6().extension(60, 8).protocol(43).payload(7),
                        v6.formatted(0, 0, 43) + "1/55"),
                row(
                        "extension header longer than the packet",
                        ipv6().extension(60, 8).udp(40000, 53).patch(40, 17 << 8 | 200),
                        v6.formatted(0, 0, 17) + "1/56"),

                // VLAN tags in the frame
                row("802.1Q", ethernet().vlan(4094).ipv4().udp(40000, 53), udp4 + "1/28 vlan 4094"),
                row("802.1Q, IPv6", ethernet().vlan(5).ipv6().udp(40000, 53), udp6 + "1/48 vlan 5"),
                row(
                        "802.1ad",
                        ethernet().vlan(0x88a8, 100).vlan(200).ipv4().udp(40000, 53),
                        udp4 + "1/28 vlan 100/200"),
                row(
                        "0x9100",
                        ethernet().vlan(0x9100, 100).vlan(0x9100, 200).ipv4().udp(40000, 53),
                        udp4 + "1/28 vlan 100/200"),
                row(
                        "4 tags",
                        ethernet().vlan(1).vlan(2).vlan(3).vlan(4).ipv6().udp(40000, 53),
                        udp6 + "1/48 vlan 1/2"),
                row("priority tag", ethernet().vlan(0).ipv4().udp(40000, 53), udp4 + "1/28"),
                row(
                        "5 tags are too many",
                        ethernet().vlan(1).vlan(2).vlan(3).vlan(4).vlan(5).ipv4().udp(40000, 53),
                        "non_ip 1/32"),
                row(
                        "a tag cut off",
                        new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -127, 0, 0, 1, 8},
                        "non_ip 1/3"),

                // not IP
                row("ARP", ethernet().etherType(0x0806).payload(28), "non_ip 1/28"),
                row(
                        "ARP in a VLAN",
                        ethernet().vlan(5).etherType(0x0806).payload(28),
                        "non_ip 1/28"),
                row("MPLS", ethernet().etherType(0x8847).payload(50), "non_ip 1/50"),
                row("802.3", ethernet().etherType(38).payload(46), "non_ip 1/46"),

                // malformed
                row("version 5", ipv4().udp(1, 2).patch(0, 0x5500), "malformed 1/28"),
                row("IPv6 in an IPv4 frame", ipv4().udp(1, 2).patch(0, 0x6500), "malformed 1/28"),
                row("IPv4 in an IPv6 frame", ipv6().udp(1, 2).patch(0, 0x4000), "malformed 1/48"),
                row(
                        "IPv4 header of 16 octets",
                        ipv4().udp(1, 2).patch(0, 0x4400),
                        "malformed 1/28"),
                row("IPv4 total length 0", ipv4().udp(1, 2).patch(2, 0), "malformed 1/28"),
                row(
                        "total length below the header",
                        ipv4().udp(1, 2).patch(2, 19),
                        "malformed 1/28"),
                row(
                        "options longer than the packet",
                        ipv4().protocol(17).payload(8).patch(0, 0x4f00),
                        "malformed 1/28"),
                row(
                        "IPv4 packet cut off",
                        ipv4().udp(40000, 53).payload(9).truncated(36),
                        "malformed 1/36"),
                row(
                        "IPv6 packet cut off",
                        ipv6().udp(40000, 53).payload(9).truncated(56),
                        "malformed 1/56"),
                // in a VLAN, for the kernel refuses to make such a packet without a tag
                row(
                        "IPv4 header cut off",
                        ethernet().vlan(5).ipv4().udp(1, 2).truncated(19),
                        "malformed 1/19"),
                row(
                        "IPv6 header cut off",
                        ethernet().vlan(5).ipv6().udp(1, 2).truncated(39),
                        "malformed 1/39"),
                row(
                        "IPv4 without anything",
                        ethernet().vlan(5).ipv4().truncated(0),
                        "malformed 1/0"),

                // upper-layer headers that end early
                row(
                        "3 octets of UDP",
                        ipv4().protocol(17).payload(3),
                        v4.formatted(0, 0, 17) + "1/23"),
                row(
                        "1 octet of ICMP",
                        ipv4().protocol(1).payload(1),
                        v4.formatted(0, 0, 1) + "1/21"),
                row(
                        "TCP ports without flags",
                        ipv4().tcp(40000, 443, SYN).shortened(33),
                        tcp4 + "1/33"),
                row(
                        "TCP ports and flags",
                        ipv4().tcp(40000, 443, SYN).shortened(34),
                        tcp4 + "1/34 flags 2"),

                // GSO: one skb, many packets
                row(
                        "TCP segments repeat 40 octets",
                        gso(ipv4().tcp(40000, 443, ACK).payload(3000), 3, 1000),
                        tcp4 + "3/3120 flags 10"),
                row(
                        "options are repeated",
                        gso(ipv4().ipv4Options(4).tcp(40000, 443, ACK, 12).payload(3000), 3, 1000),
                        tcp4 + "3/3168 flags 10"),
                row(
                        "extension headers are repeated",
                        gso(
                                ipv6().extension(60, 16).tcp(40000, 443, ACK, 12).payload(2500),
                                3,
                                1000),
                        tcp6 + "3/2764 flags 10"),
                row(
                        "UDP segments repeat 28 octets",
                        gso(ipv4().udp(40000, 53).payload(3000), 3, 1000),
                        udp4 + "3/3084"),
                row(
                        "SCTP segments repeat 32 octets",
                        gso(ipv4().sctp(1, 2).payload(3000), 3, 0xffff),
                        v4.formatted(1, 2, 132) + "3/3096"),
                row(
                        "segments in a VLAN",
                        gso(ethernet().vlan(5).ipv4().tcp(40000, 443, ACK).payload(3000), 3, 1000),
                        tcp4 + "3/3120 flags 10 vlan 5"),
                row("one segment", gso(ipv4().udp(40000, 53).payload(9), 1, 1000), udp4 + "1/37"),
                row(
                        "segments that the sender did not count",
                        gso(ipv4().tcp(40000, 443, ACK).payload(3001), 0, 1000),
                        tcp4 + "4/3161 flags 10"),
                row(
                        "uncounted segments without payload",
                        gso(ipv4().tcp(40000, 443, ACK), 0, 1000),
                        tcp4 + "1/40 flags 10"),
                row(
                        "headers inside a tunnel, which the kernel has counted",
                        gso(ipv4().udp(40000, 4789).payload(3000), 3, 900)
                                .wireLength(3042 + 2 * 112),
                        v4.formatted(40000, 4789, 17) + "3/3224"),
                row(
                        "IPv4 BIG TCP",
                        gso(ipv4().tcp(40000, 443, ACK).payload(3000).patch(2, 0), 3, 1000),
                        tcp4 + "3/3120 flags 10"),
                row(
                        "IPv6 BIG TCP, whose hop-by-hop header is never sent",
                        gso(
                                ipv6().jumboPayload(3028)
                                        .tcp(40000, 443, ACK)
                                        .payload(3000)
                                        .patch(4, 0),
                                3,
                                1000),
                        tcp6 + "3/3180 flags 10"),
                row(
                        "jumbogram (RFC 2675)",
                        ipv6().jumboPayload(3016).udp(40000, 53).payload(3000).patch(4, 0),
                        udp6 + "1/3056"),

                // devices
                row(
                        "forwarded packet",
                        TestRun.of(ipv4().udp(40000, 53).build()).ingressIfindex(7),
                        udp4 + "1/28 in 7"),
                row(
                        "marked packet",
                        TestRun.of(ipv4().udp(40000, 53).build()).mark(0xcafebabe),
                        udp4 + "1/28 mark cafebabe"),
                row(
                        "ingress",
                        "flow_ingress",
                        ipv4().udp(40000, 53).build(),
                        udp4 + "1/28 in 1 out 0"),
                row(
                        "ingress in a VLAN",
                        "flow_ingress",
                        ethernet().vlan(5).ipv6().udp(40000, 53).build(),
                        udp6 + "1/48 in 1 out 0 vlan 5"),
                // The kernel takes octets 12 and 13 for an EtherType: 8.0 and 86dd.
                row(
                        "IPv4 without a link layer header",
                        "flow_egress_l3",
                        bare().ipv4("8.0.0.1", "10.0.0.2").udp(40000, 53).payload(9).build(),
                        "8.0.0.1:40000 > 10.0.0.2:53 protocol 17: 1/37"),
                row(
                        "IPv6 without a link layer header",
                        "flow_ingress_l3",
                        bare().ipv6("2001:db8:86dd::1", "2001:db8::2")
                                .icmpv6(128, 0)
                                .payload(8)
                                .build(),
                        "2001:db8:86dd:0:0:0:0:1:0 > 2001:db8::2:0 protocol 58: "
                                + "1/56 in 1 out 0 type 8000"),
                row(
                        "malformed without a link layer header",
                        "flow_egress_l3",
                        bare().ipv4("8.0.0.1", "10.0.0.2")
                                .udp(40000, 53)
                                .payload(9)
                                .patch(2, 38)
                                .build(),
                        "malformed 1/37"),
                row(
                        "not IP without a link layer header",
                        "flow_ingress_l3",
                        bare().ipv4("9.9.0.1", "10.0.0.2").udp(40000, 53).build(),
                        "non_ip 1/28"));
    }

    private static PacketBuilder extensions(int count) {
        PacketBuilder packet = ipv6();
        for (int i = 0; i < count; i++) {
            packet.extension(60, 8);
        }
        return packet;
    }

    private static TestRun gso(PacketBuilder packet, int segments, int size) {
        return TestRun.of(packet.build()).gso(segments, size);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("packets")
    void aPacketIsItsFlow(String name, String program, TestRun run, String expected) {
        shared.startOver();

        TestRun.Result result = shared.program(program).testRun(run);

        assertThat(shared.outcome()).isEqualTo(expected);
        assertThat(result.retval()).as("TC_ACT_UNSPEC").isEqualTo(-1);
        assertThat(result.packet()).as("the packet").isEqualTo(run.packet());
    }

    @Test
    void packetsOfAFlowAddUp() {
        meter.load();
        meter.run(ipv4().tos(4).id(1).ttl(60).tcp(1, 2, SYN));
        meter.run(ipv4().tos(8).id(2).ttl(64).tcp(1, 2, ACK).payload(10));
        meter.run(ipv4().tos(8).id(3).ttl(50).tcp(1, 2, ACK | FIN));

        assertThat(meter.outcome())
                .isEqualTo(
                        "10.0.0.1:1 > 10.0.0.2:2 protocol 6: 3/130"
                                + " flags 13 tos 4 id 1 ttl 50-64 ended");
    }

    @Test
    void everyPartOfTheKeyMakesAFlow() {
        meter.slots(16).knob("index_entries", 32).load();
        List<TestRun> runs = new ArrayList<>();
        for (PacketBuilder packet :
                List.of(
                        ipv4().udp(1, 2),
                        ethernet().ipv4("10.0.0.9", "10.0.0.2").udp(1, 2),
                        ethernet().ipv4("10.0.0.1", "10.0.0.9").udp(1, 2),
                        ipv4().udp(9, 2),
                        ipv4().udp(1, 9),
                        ipv4().udpLite(1, 2),
                        ethernet().ipv6("10.0.0.1", "10.0.0.2").udp(1, 2),
                        ipv6().udp(1, 2),
                        ethernet().ipv6("2001:db8:9::1", "2001:db8::2").udp(1, 2),
                        ethernet().ipv6("2001:db8::1", "2001:db8:9::2").udp(1, 2),
                        ethernet().vlan(1).ipv4().udp(1, 2),
                        ethernet().vlan(1).vlan(1).ipv4().udp(1, 2))) {
            runs.add(TestRun.of(packet.build()));
        }
        runs.add(runs.get(0).mark(1));
        runs.add(runs.get(0).ingressIfindex(1));
        for (TestRun run : runs) {
            meter.program(EGRESS).testRun(run.repeat(2));
        }
        meter.program("flow_ingress").testRun(runs.get(0).repeat(2));

        assertThat(meter.flows()).hasSize(runs.size() + 1).allMatch(f -> f.packetDeltaCount() == 2);
    }

    @Test
    void anEpochHasAHalfOfTheSlots() {
        meter.load();
        meter.run(ipv4().udp(1, 2));
        meter.run(ipv4().udp(1, 2));
        meter.endEpoch();
        meter.run(ipv4().udp(1, 2));
        meter.run(ipv4().udp(3, 4));

        assertThat(meter.flows(0)).singleElement().matches(f -> f.packetDeltaCount() == 2);
        assertThat(meter.flows(1)).hasSize(2).allMatch(f -> f.packetDeltaCount() == 1);

        meter.reset(0);
        meter.endEpoch();
        meter.run(ipv4().udp(5, 6));

        assertThat(meter.flows(0)).singleElement().matches(f -> f.sourceTransportPort() == 5);
        assertThat(meter.flows(1)).hasSize(2);
    }

    @Test
    void aFullHalfOverflowsUntilTheEpochEnds() {
        meter.slots(2).load();
        for (int port = 1; port <= 4; port++) {
            meter.run(ipv4().udp(port, 2).payload(port));
        }
        meter.run(ipv4().udp(1, 2));

        assertThat(meter.flows()).extracting(Flow::packetDeltaCount).containsExactly(2L, 1L);
        assertThat(meter.counters(1, 1)).isEqualTo("seen 5/150 overflow 2/63");
        assertThat(meter.overflow(0, 1)).isEqualTo("2/63");

        meter.program(EGRESS).testRun(TestRun.of(ipv4().udp(9, 2).build()).ingressIfindex(5));
        meter.program("flow_ingress").testRun(TestRun.of(ipv4().udp(9, 2).build()));
        assertThat(meter.overflow(5, 1)).isEqualTo("1/28");
        assertThat(meter.overflow(1, 0)).isEqualTo("1/28");
        assertThat(meter.counters(1, 0)).isEqualTo("seen 1/28 overflow 1/28");

        meter.endEpoch();
        meter.run(ipv4().udp(4, 2));
        assertThat(meter.flows(1)).hasSize(1);
    }

    @Test
    void onePacketAnEpochAsksForItsEnd() {
        meter.slots(4).knob("slots_high_water", 2).load();
        List<String> events = new ArrayList<>();
        try (RingBuffer ring =
                new RingBuffer(
                        meter.object.map("events"),
                        event -> events.add(event.getInt() + ": " + event.getInt()))) {
            for (int port = 1; port <= 2; port++) {
                meter.run(ipv4().udp(port, 2));
            }
            assertThat(ring.consume()).isZero();
            for (int port = 3; port <= 9; port++) {
                meter.run(ipv4().udp(port, 2));
            }
            ring.consume();
            assertThat(events).containsExactly("0: 3");

            meter.endEpoch();
            for (int port = 1; port <= 9; port++) {
                meter.run(ipv4().udp(port, 2));
            }
            ring.consume();
            assertThat(events).containsExactly("0: 3", "1: 3");
        }
    }

    @Test
    void excludedSessionsGetNoSlot() {
        meter.slots(1).load();
        meter.exclude("10.0.0.1", "10.0.0.2", 40000, 4739, 17);
        meter.exclude("2001:db8::1", "2001:db8::2", 40000, 4739, 6);
        for (int i = 0; i < 3; i++) {
            meter.run(ipv4().udp(40000, 4739));
            meter.run(ipv6().tcp(40000, 4739, ACK));
        }
        assertThat(meter.outcome()).isEqualTo("excluded 6/264");

        meter.run(ipv4().udp(4739, 40000));
        meter.run(ipv4().udp(40001, 4739));
        meter.run(ipv4().tcp(40000, 4739, ACK));
        meter.run(ipv4().udp(40000, 4739));
        assertThat(meter.flows()).hasSize(1);
        assertThat(meter.counters(1, 1)).isEqualTo("seen 10/388 overflow 2/68 excluded 7/292");
    }

    /** All flows probe one place: its tag is the same as that of many of them. */
    @Test
    void flowsWithoutAPlaceInTheIndexAreMeteredPacketByPacket() {
        int flows = 2000;
        meter.slots(2 * flows).knob("index_entries", 1).load();
        for (int round = 0; round < 2; round++) {
            for (int port = 1; port <= flows; port++) {
                meter.run(ipv4().udp(port, 2));
            }
        }
        List<Flow> slots = meter.flows();
        assertThat(slots).hasSize(2 * flows - 1);
        assertThat(slots.get(0).packetDeltaCount()).isEqualTo(2);
        assertThat(slots.subList(1, slots.size())).allMatch(f -> f.packetDeltaCount() == 1);
        assertThat(ports(slots)).hasSize(flows);
    }

    @Test
    void anIndexWithTwiceTheEntriesFindsEveryFlow() {
        int flows = 2000;
        for (long seed : new long[] {0, 0x0123_4567_89ab_cdefL, -1}) {
            meter.close();
            meter = new Meter().slots(flows).knob("hash_seed", seed);
            meter.knob("index_entries", 4096).load();
            for (int round = 1; round <= 3; round++) {
                for (int port = 1; port <= flows; port++) {
                    meter.run(ipv4().udp(port, 2));
                }
            }
            assertThat(meter.flows()).hasSize(flows).allMatch(f -> f.packetDeltaCount() == 3);
            assertThat(ports(meter.flows())).hasSize(flows);
        }
    }

    private static Set<Integer> ports(List<Flow> flows) {
        Set<Integer> ports = new HashSet<>();
        flows.forEach(f -> ports.add(f.sourceTransportPort()));
        return ports;
    }

    /** One entry a CPU, for whichever of the two comes first there. */
    @Test
    void interfacesWithoutAnEntryAreCountedTogether() {
        meter.knob("interfaces_max", 1).load();
        for (int i = 0; i < 50; i++) {
            meter.run(ipv4().udp(1, 2));
            meter.program("flow_ingress").testRun(TestRun.of(ipv4().udp(1, 2).build()));
        }
        long others = meter.packets(0, 0, Meter.SEEN);

        assertThat(others).isPositive();
        assertThat(meter.packets(1, 0, Meter.SEEN) + meter.packets(1, 1, Meter.SEEN) + others)
                .isEqualTo(100);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 10000000", "2, 0"})
    void timesAreOfTheChosenClock(int clock, long behind) {
        meter.knob("flow_clock", clock).load();
        long before = meter.readClock();
        meter.run(ipv4().udp(1, 2));
        long between = meter.readClock();
        meter.run(ipv4().udp(1, 2));
        long after = meter.readClock();

        Flow flow = meter.flows().get(0);
        assertThat(flow.flowStartNanos()).isBetween(before - behind, between);
        assertThat(flow.flowEndNanos()).isBetween(between - behind, after);
    }

    /** Of two CPUs one may read the clock before, but get to the slot after the other. */
    @Test
    void aPacketThatWasOvertakenDoesNotEndTheFlowBeforeItBegan() {
        meter.load();
        meter.run(ipv4().udp(1, 2));
        long later = meter.flows().get(0).flowEndNanos() + 1_000_000;
        try (MappedMemory slots = meter.object.map("slots").mmap(true)) {
            slots.putLongRelease(FlowLayout.FIRST, later);
            slots.putLongRelease(FlowLayout.LAST, later);
        }
        meter.run(ipv4().udp(1, 2));

        Flow flow = meter.flows().get(0);
        assertThat(flow.packetDeltaCount()).isEqualTo(2);
        assertThat(flow.flowEndNanos()).isEqualTo(later);
    }

    @Test
    void theClockReadingIsOfOneMoment() {
        meter.knob("flow_clock", 2).load();
        long bootBefore = Clock.bootNanos();
        long monotonicBefore = Clock.monotonicNanos();
        long flow = meter.readClock();
        long monotonic = meter.object.global("clock_reading").getLongAcquire(Long.BYTES);

        assertThat(flow).isBetween(bootBefore, Clock.bootNanos());
        assertThat(monotonic).isBetween(monotonicBefore, Clock.monotonicNanos());
    }

    /** With an index and slots far too small, and epochs that end as fast as they can. */
    @Test
    void noPacketIsLostOrCountedTwiceWhileEpochsEnd() throws Exception {
        int rounds = 100;
        int repeat = 500;
        int flows = 40;
        meter.slots(24).knob("index_entries", 32).load();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            List<Future<?>> senders = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                senders.add(
                        threads.submit(
                                () -> {
                                    for (int n = 0; n < rounds * flows; n++) {
                                        TestRun run =
                                                TestRun.of(ipv4().udp(1 + n % flows, 2).build());
                                        meter.program(EGRESS).testRun(run.repeat(repeat));
                                    }
                                }));
            }
            long metered = 0;
            int epochs = 0;
            while (!senders.stream().allMatch(Future::isDone)) {
                int half = meter.epoch() & 1;
                meter.endEpoch();
                GracePeriod.await();
                metered += packets(meter.flows(half));
                meter.reset(half);
                epochs++;
            }
            for (Future<?> sender : senders) {
                sender.get(1, TimeUnit.SECONDS);
            }
            metered += packets(meter.flows());

            long sent = 2L * rounds * flows * repeat;
            assertThat(epochs).isGreaterThan(2);
            assertThat(meter.packets(1, 1, Meter.SEEN)).isEqualTo(sent);
            assertThat(metered + meter.packets(1, 1, Meter.OVERFLOW)).isEqualTo(sent);
            assertThat(meter.overflow(0, 1)).startsWith(meter.packets(1, 1, Meter.OVERFLOW) + "/");
        } finally {
            threads.shutdownNow();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"flow_ingress", "flow_egress", "flow_ingress_l3", "flow_egress_l3"})
    void programsThatMeasureNoLatencyHaveNothingToDoWithIt(String program) {
        assertThat(LoadedProgram.ofId(shared.program(program).id()).mapIds())
                .contains(shared.object.map("slots").id())
                .doesNotContain(
                        shared.object.map("stamps").id(), shared.object.map("latencies").id());
    }

    private static long packets(List<Flow> flows) {
        return flows.stream().mapToLong(Flow::packetDeltaCount).sum();
    }

    /** The object, its slots and counters as text. */
    private static final class Meter implements AutoCloseable {
        static final int SEEN = 0;
        static final int OVERFLOW = 1;

        private static final List<String> COUNTERS =
                List.of("seen", "overflow", "excluded", "malformed", "non_ip");
        private static final int KEY = 8;
        private static final int TRAFFIC = 16;
        private static final int CACHE_LINE = 64;

        /** At least as many as any machine that runs this has. */
        private static final int CPUS = 256;

        final BpfObject object =
                BpfObject.open(BpfObject.resource("bpf/flowmeter.bpf.o"), "flowmeter");
        private MappedMemory slots;
        private MappedMemory counters;
        private int slotsPerHalf = 8;
        private int interfaces = 4;

        Meter() {
            knob("index_entries", 16).knob("slots_high_water", -1).knob("interfaces_max", 4);
        }

        Meter slots(int perHalf) {
            slotsPerHalf = perHalf;
            return this;
        }

        Meter knob(String name, long value) {
            object.set(name, value);
            switch (name) {
                case "index_entries" -> object.maxEntries("index", (int) value);
                case "interfaces_max" -> {
                    interfaces = (int) value;
                    object.maxEntries("interfaces", (interfaces + 1) * CPUS);
                }
                default -> {}
            }
            return this;
        }

        void load() {
            object.set("slots_per_half", slotsPerHalf);
            object.maxEntries("slots", 2 * slotsPerHalf);
            object.load();
            slots = object.map("slots").mmap(false);
            counters = object.map("interfaces").mmap(true);
        }

        BpfProgram program(String name) {
            return object.program(name);
        }

        void run(PacketBuilder packet) {
            program(EGRESS).testRun(TestRun.of(packet.build()));
        }

        int epoch() {
            return object.global("epoch").getIntAcquire(0);
        }

        void endEpoch() {
            object.global("epoch").putIntRelease(0, epoch() + 1);
        }

        void reset(int half) {
            object.global("slots_used").putIntRelease(half * CACHE_LINE, 0);
        }

        /** A new epoch, and nothing counted yet. */
        void startOver() {
            endEpoch();
            reset(epoch() & 1);
            for (long at = 0; at < counters.size(); at += Long.BYTES) {
                counters.putLongRelease(at, 0);
            }
        }

        long readClock() {
            program("read_clock").run();
            return object.global("clock_reading").getLongAcquire(0);
        }

        List<Flow> flows() {
            return flows(epoch() & 1);
        }

        List<Flow> flows(int half) {
            int used = object.global("slots_used").getIntAcquire(half * CACHE_LINE);
            int size = Math.min(used, slotsPerHalf);
            byte[] records = new byte[size * FlowLayout.SIZE];
            slots.buffer((long) half * slotsPerHalf * FlowLayout.SIZE, records.length).get(records);
            return new FlowBatch(records, size, 0).asList();
        }

        /** The one flow of this epoch, or else what was counted besides seen. */
        String outcome() {
            List<Flow> flows = flows();
            assertThat(flows).hasSizeLessThan(2);
            String others = "";
            long seen = 0;
            for (int direction = 0; direction < 2; direction++) {
                String counters = counters(1, direction);
                seen += packets(1, direction, SEEN);
                others += counters.replaceAll("^seen \\S+ ?", "");
            }
            if (flows.isEmpty()) {
                return others;
            }
            assertThat(others).isEmpty();
            assertThat(seen).isEqualTo(flows.get(0).packetDeltaCount());
            return describe(flows.get(0));
        }

        /** All counters of an interface and direction that are not 0, over all CPUs. */
        String counters(int ifindex, int direction) {
            List<String> counted = new ArrayList<>();
            for (int i = 0; i < COUNTERS.size(); i++) {
                long packets = packets(ifindex, direction, i);
                if (packets != 0) {
                    long octets = sum(ifindex, direction, KEY + i * TRAFFIC + Long.BYTES);
                    counted.add(COUNTERS.get(i) + " " + packets + "/" + octets);
                }
            }
            return String.join(" ", counted);
        }

        long packets(int ifindex, int direction, int counter) {
            return sum(ifindex, direction, KEY + counter * TRAFFIC);
        }

        private long sum(int ifindex, int direction, int member) {
            int size = object.map("interfaces").valueSize();
            ByteBuffer entries = counters.buffer(0, (int) counters.size());
            long sum = 0;
            for (int at = 0; at + size <= entries.limit(); at += size) {
                if (entries.getInt(at) == ifindex && entries.getInt(at + 4) == direction) {
                    sum += entries.getLong(at + member);
                }
            }
            return sum;
        }

        String overflow(int ingress, int egress) {
            byte[] key = host(new byte[8]).putInt(ingress).putInt(egress).array();
            ByteBuffer traffic = host(object.map("overflow").lookup(key));
            return traffic.getLong() + "/" + traffic.getLong();
        }

        void exclude(String source, String destination, int from, int to, int protocol) {
            ByteBuffer session = ByteBuffer.allocate(40);
            session.put(PacketBuilder.mapped(source)).put(PacketBuilder.mapped(destination));
            session.putShort((short) from).putShort((short) to).put((byte) protocol);
            object.map("excluded").update(session.array(), new byte[] {1});
        }

        private static ByteBuffer host(byte[] octets) {
            return ByteBuffer.wrap(octets).order(ByteOrder.nativeOrder());
        }

        private static String describe(Flow flow) {
            StringBuilder text =
                    new StringBuilder(
                            String.format(
                                    "%s:%d > %s:%d protocol %d: %d/%d",
                                    flow.sourceAddress().getHostAddress(),
                                    flow.sourceTransportPort(),
                                    flow.destinationAddress().getHostAddress(),
                                    flow.destinationTransportPort(),
                                    flow.protocolIdentifier(),
                                    flow.packetDeltaCount(),
                                    flow.octetDeltaCount()));
            boolean egress = flow.flowDirection() == 1;
            add(text, " in %d", flow.ingressInterface(), 0);
            add(text, " out %d", flow.egressInterface(), egress ? 1 : -1);
            add(text, " flags %x", flow.tcpControlBits(), 0);
            add(text, " mark %x", flow.mark(), 0);
            add(text, " tos %x", flow.ipClassOfService(), 0);
            add(text, " id %x", flow.fragmentIdentification(), 0);
            add(text, " label %x", flow.flowLabelIPv6(), 0);
            add(text, " type %x", flow.icmpTypeCode(), 0);
            add(text, " vlan %d", flow.dot1qVlanId(), 0);
            add(text, "/%d", flow.dot1qCustomerVlanId(), 0);
            if (flow.minimumTTL() != flow.maximumTTL()) {
                text.append(" ttl " + flow.minimumTTL() + "-" + flow.maximumTTL());
            } else {
                add(text, " ttl %d", flow.minimumTTL(), 64);
            }
            if (flow.flowEndReason() == Flow.END_OF_FLOW) {
                text.append(" ended");
            }
            return text.toString().replace("2001:db8:0:0:0:0:0:", "2001:db8::");
        }

        private static void add(StringBuilder text, String format, long value, long usual) {
            if (value != usual) {
                text.append(String.format(format, value));
            }
        }

        @Override
        public void close() {
            if (slots != null) {
                slots.close();
            }
            object.close();
        }
    }
}
