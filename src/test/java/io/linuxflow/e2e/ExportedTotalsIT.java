// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static io.linuxflow.e2e.Lab.CLIENT;
import static io.linuxflow.e2e.Lab.CLIENT6;
import static io.linuxflow.e2e.Lab.SERVER;
import static io.linuxflow.e2e.Lab.SERVER6;
import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.e2e.Traffic.Total;
import java.net.DatagramSocket;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a collector gets from {@code ./camelw run routes/*.yaml} is what was sent, per flow, to the
 * packet and to the octet: at the egress of the client, and at the ingress and egress of the router
 * behind it.
 */
class ExportedTotalsIT {

    private static final int ICMP = 1;
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ICMPV6 = 58;

    private static final int ECHO_REQUEST = 8 << 8;
    private static final int ECHO_REPLY = 0;
    private static final int ECHO_REQUEST6 = 128 << 8;
    private static final int ECHO_REPLY6 = 129 << 8;

    private static final String TUN_HOST = "10.9.0.2";

    private Lab lab;
    private IpfixCollector collector;
    private DatagramSocket sink;
    private RawSocket tun;
    private RawSocket raw;
    private final List<TcpConnection> connections = new ArrayList<>();

    /** Each of these flows, by its elements. */
    private final Map<Map<String, Object>, Total> expected = new LinkedHashMap<>();

    @BeforeEach
    void makeLab() {
        lab = new Lab();
        collector = new IpfixCollector(lab.collector(), Lab.COLLECTOR);
        tun = RawSocket.tun(lab.router(), "tun0");
        Lab.ip("-n " + lab.router() + " address add 10.9.0.1/24 dev tun0");
        Lab.ip("-n " + lab.router() + " link set tun0 up");
        raw = RawSocket.ethernet(lab.client(), "eth0");
        sink = Lab.in(lab.server(), () -> new DatagramSocket(5000));
    }

    @AfterEach
    void removeLab() {
        connections.forEach(TcpConnection::close);
        sink.close();
        raw.close();
        tun.close();
        collector.close();
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcx", "clsact"})
    void areThoseThatWereSent(String hook) {
        try (CamelCli camel =
                CamelCli.runRoutes()
                        .in(lab.router())
                        .property("meter.interfaces", "*," + lab.client() + ":eth0")
                        .property("meter.direction", "both")
                        .property("meter.hook", hook)
                        .property("drain.interval", "500ms")
                        .property("ipfix.collector", Lab.COLLECTOR + ":" + collector.port())
                        .start()) {
            for (String direction : List.of("ingress", "egress")) {
                for (String name : List.of("client", "server", "tun0")) {
                    camel.awaitMetered(name, direction);
                }
                camel.awaitMetered(lab.client() + ":eth0", direction);
            }
            udp();
            fragments();
            icmp();
            tcp();
            tunDevice();
            vlan();
            assertThat(camel.stop()).isEqualTo(143);
            assertThat(camel.output()).noneMatch(line -> line.contains("Exception"));
        }
        assertThat(collector.errors()).isEmpty();
        assertThat(collector.sources()).hasSize(1);
        SoftAssertions flows = new SoftAssertions();
        expected.forEach(
                (flow, total) ->
                        flows.assertThat(collector.total(flow)).as("%s", flow).isEqualTo(total));
        flows.assertThat(unexpected()).isEmpty();
        flows.assertAll();
    }

    private void udp() {
        Total total = Traffic.udp(lab.client(), 4001, SERVER, 5000, 100, 1000);
        forwarded(flow(UDP, CLIENT, SERVER, 4001, 5000), total);
        total = Traffic.udp(lab.client(), 4002, SERVER6, 5000, 50, 1);
        forwarded(flow(UDP, CLIENT6, SERVER6, 4002, 5000), total);
    }

    /** 3000 octets and the UDP header are 1480, 1480 and 48 octets behind IP headers. */
    private void fragments() {
        Traffic.udp(lab.client(), 4003, SERVER, 5000, 10, 3000);
        forwarded(flow(UDP, CLIENT, SERVER, 4003, 5000), new Total(10, 10 * 1500));
        forwarded(flow(UDP, CLIENT, SERVER, 0, 0), new Total(20, 10 * (1500 + 68)));
        // IPv6: a Fragment header of 8 octets in each, and 1448, 1448 and 112 octets behind it.
        Traffic.udp(lab.client(), 4004, SERVER6, 5000, 10, 3000);
        forwarded(flow(UDP, CLIENT6, SERVER6, 4004, 5000), new Total(10, 10 * 1496));
        forwarded(flow(UDP, CLIENT6, SERVER6, 0, 0), new Total(20, 10 * (1496 + 160)));
    }

    private void icmp() {
        Total total = Traffic.ping(lab.client(), SERVER, 5, 200);
        forwarded(icmp(ICMP, CLIENT, SERVER, "icmpTypeCodeIPv4", ECHO_REQUEST), total);
        returned(icmp(ICMP, SERVER, CLIENT, "icmpTypeCodeIPv4", ECHO_REPLY), total);
        total = Traffic.ping(lab.client(), SERVER6, 5, 56);
        forwarded(icmp(ICMPV6, CLIENT6, SERVER6, "icmpTypeCodeIPv6", ECHO_REQUEST6), total);
        returned(icmp(ICMPV6, SERVER6, CLIENT6, "icmpTypeCodeIPv6", ECHO_REPLY6), total);
    }

    /** With segmentation left to the device, and then by the TCP stack itself. */
    private void tcp() {
        tcp(SERVER, CLIENT);
        tcp(SERVER6, CLIENT6);
        for (String host : List.of(lab.client(), lab.server())) {
            Shell.in(host, "ethtool", "-K", "eth0", "tso", "off", "gso", "off");
        }
        tcp(SERVER, CLIENT);
        tcp(SERVER6, CLIENT6);
    }

    private void tcp(String server, String client) {
        TcpConnection tcp = new TcpConnection(lab.client(), lab.server(), server);
        connections.add(tcp);
        tcp.send(100);
        int from = tcp.clientPort();
        int to = tcp.serverPort();
        forwarded(flow(TCP, client, server, from, to), tcp.sent());
        returned(flow(TCP, server, client, to, from), tcp.answered());
    }

    /** In the router, a device without a link layer: what comes out of it and what goes in. */
    private void tunDevice() {
        Total total = Traffic.udp(lab.client(), 4005, TUN_HOST, 5000, 30, 500);
        Map<String, Object> flow = flow(UDP, CLIENT, TUN_HOST, 4005, 5000);
        sentByClient(flow, total);
        routed(flow, "client", "tun0", total);

        byte[] packet = Packets.ipv4Udp(TUN_HOST, SERVER, 4006, 5000, 200);
        for (int i = 0; i < 20; i++) {
            tun.send(packet);
        }
        routed(
                flow(UDP, TUN_HOST, SERVER, 4006, 5000),
                "tun0",
                "server",
                new Total(20, 20L * packet.length));
    }

    /** Tagged as it leaves the client, with the tag taken off by the kernel in the router. */
    private void vlan() {
        byte[] packet = Packets.ipv4Udp(CLIENT, SERVER, 4007, 5000, 300);
        byte[] frame =
                Packets.ethernet(
                        Lab.mac(lab.router(), "client"), Lab.mac(lab.client(), "eth0"), 42, packet);
        for (int i = 0; i < 15; i++) {
            raw.send(frame);
        }
        Map<String, Object> flow = flow(UDP, CLIENT, SERVER, 4007, 5000);
        flow.put("vlanId", 42);
        Total total = new Total(15, 15L * packet.length);
        sentByClient(flow, total);
        expect(flow, 1, 0, "client", null, total);
    }

    private static Map<String, Object> flow(
            int protocol, String source, String destination, int sourcePort, int port) {
        Map<String, Object> flow = addresses(protocol, source, destination);
        flow.put("sourceTransportPort", sourcePort);
        flow.put("destinationTransportPort", port);
        return flow;
    }

    private static Map<String, Object> icmp(
            int protocol, String source, String destination, String element, int typeCode) {
        Map<String, Object> flow = addresses(protocol, source, destination);
        flow.put(element, typeCode);
        return flow;
    }

    private static Map<String, Object> addresses(int protocol, String source, String destination) {
        String version = source.contains(":") ? "IPv6" : "IPv4";
        Map<String, Object> flow = new TreeMap<>();
        flow.put("protocolIdentifier", protocol);
        flow.put("source" + version + "Address", source);
        flow.put("destination" + version + "Address", destination);
        return flow;
    }

    /** From the client to the server, so seen three times. */
    private void forwarded(Map<String, Object> flow, Total total) {
        sentByClient(flow, total);
        routed(flow, "client", "server", total);
    }

    /** From the server to the client, so seen at both ends of the router. */
    private void returned(Map<String, Object> flow, Total total) {
        routed(flow, "server", "client", total);
        expect(flow, 2, 0, lab.client(), "eth0", null, total);
    }

    private void sentByClient(Map<String, Object> flow, Total total) {
        expect(flow, 2, 1, lab.client(), null, "eth0", total);
    }

    private void routed(Map<String, Object> flow, String in, String out, Total total) {
        expect(flow, 1, 0, in, null, total);
        expect(flow, 1, 1, in, out, total);
    }

    private void expect(
            Map<String, Object> flow, int domain, int direction, String in, String out, Total t) {
        expect(flow, domain, direction, lab.router(), in, out, t);
    }

    private void expect(
            Map<String, Object> flow,
            int domain,
            int direction,
            String namespace,
            String in,
            String out,
            Total total) {
        Map<String, Object> record = new TreeMap<>(flow);
        record.put(IpfixCollector.DOMAIN, domain);
        record.put("flowDirection", direction);
        record.put("ingressInterface", in == null ? 0 : Lab.ifindex(namespace, in));
        record.put("egressInterface", out == null ? 0 : Lab.ifindex(namespace, out));
        record.putIfAbsent("vlanId", 0);
        expected.merge(record, total, Total::plus);
    }

    /** Records of these hosts' unicast traffic that are none of the expected flows. */
    private List<Map<String, Object>> unexpected() {
        return collector.records().stream()
                .filter(record -> !record.isNeighbourDiscovery())
                .filter(record -> expected.keySet().stream().noneMatch(record::has))
                .map(IpfixCollector.Record::values)
                .toList();
    }
}
