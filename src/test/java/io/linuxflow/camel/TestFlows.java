// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;

/** Batches of made-up flows. */
public final class TestFlows {

    public static final Instant START = Instant.parse("2026-11-24T12:00:00.123456789Z");
    public static final Instant END = START.plusMillis(1500);

    private final byte[] records;
    private int at;

    private TestFlows(int size) {
        records = new byte[size * FlowLayout.SIZE];
    }

    /** TCP flows over IPv4, each from a port of its own, counted from {@code firstPort}. */
    public static FlowBatch tcp(int size, int firstPort) {
        TestFlows flows = new TestFlows(size);
        for (int i = 0; i < size; i++) {
            flows.add("10.0.0.1", "10.0.0.2", firstPort + i, 443, Flow.TCP, 3 + i);
        }
        return flows.batch();
    }

    /** One flow of each kind: TCP and ICMP, over IPv4 and IPv6. */
    public static FlowBatch ofEachKind() {
        TestFlows flows = new TestFlows(4);
        flows.add("10.0.0.1", "10.0.0.2", 1024, 443, Flow.TCP, 3);
        flows.add("2001:db8::1", "2001:db8::2", 1025, 443, Flow.TCP, 4);
        flows.add("10.0.0.1", "10.0.0.2", 0, 8 << 8, Flow.ICMP, 5);
        flows.add("2001:db8::1", "2001:db8::2", 0, 128 << 8, Flow.ICMPV6, 6);
        return flows.batch();
    }

    private void add(
            String source, String destination, int sport, int dport, int protocol, long packets) {
        address(FlowLayout.SOURCE_ADDRESS, source);
        address(FlowLayout.DESTINATION_ADDRESS, destination);
        FlowLayout.PORT.set(records, at + FlowLayout.SOURCE_PORT, (short) sport);
        FlowLayout.PORT.set(records, at + FlowLayout.DESTINATION_PORT, (short) dport);
        FlowLayout.INT.set(records, at + FlowLayout.INGRESS_IFINDEX, 2);
        FlowLayout.INT.set(records, at + FlowLayout.EGRESS_IFINDEX, 3);
        FlowLayout.INT.set(records, at + FlowLayout.MARK, 7);
        FlowLayout.LONG.set(records, at + FlowLayout.PACKETS, packets);
        FlowLayout.LONG.set(records, at + FlowLayout.OCTETS, 100 * packets);
        FlowLayout.LONG.set(records, at + FlowLayout.FIRST, nanos(START));
        FlowLayout.LONG.set(records, at + FlowLayout.LAST, nanos(END));
        FlowLayout.SHORT.set(records, at + FlowLayout.TCP_FLAGS, (short) 0x1b);
        records[at + FlowLayout.PROTOCOL] = (byte) protocol;
        records[at + FlowLayout.IP_VERSION] = (byte) (source.contains(":") ? 6 : 4);
        records[at + FlowLayout.DIRECTION] = 1;
        records[at + FlowLayout.MIN_TTL] = 63;
        records[at + FlowLayout.MAX_TTL] = 64;
        records[at + FlowLayout.END_REASON] = Flow.END_OF_FLOW;
        at += FlowLayout.SIZE;
    }

    private void address(int member, String text) {
        try {
            byte[] octets = InetAddress.getByName(text).getAddress();
            if (octets.length == 4) {
                records[at + member + 10] = records[at + member + 11] = (byte) 0xff;
            }
            System.arraycopy(octets, 0, records, at + member + 16 - octets.length, octets.length);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static long nanos(Instant time) {
        return time.getEpochSecond() * 1_000_000_000 + time.getNano();
    }

    private FlowBatch batch() {
        return new FlowBatch(records, at / FlowLayout.SIZE, 0);
    }
}
