// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixException;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.Message;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A Collecting Process over UDP, in a network namespace, that keeps everything it gets. */
final class IpfixCollector implements AutoCloseable {

    /** In the elements of a record, its Observation Domain ID. */
    static final String DOMAIN = "observationDomainId";

    private final DatagramChannel channel;
    private final int port;
    private final IpfixReader reader = new IpfixReader();
    private final List<Record> records = new ArrayList<>();
    private final List<String> errors = new ArrayList<>();
    private final Set<SocketAddress> sources = new HashSet<>();
    private long lost;

    /**
     * A Data Record.
     *
     * @param values Information Element names and values, as text
     */
    record Record(Map<String, Object> values) {

        long number(String name) {
            return (Long) values.getOrDefault(name, 0L);
        }

        boolean isNeighbourDiscovery() {
            long type = number("icmpTypeCodeIPv6") >> 8;
            return type >= 130 && type <= 143;
        }

        /** Whether each of the elements has this value, addresses as text. */
        boolean has(Map<String, ?> elements) {
            return elements.entrySet().stream()
                    .allMatch(e -> text(values.get(e.getKey())).equals(text(e.getValue())));
        }

        private static String text(Object value) {
            return value instanceof InetAddress address
                    ? NetUtil.toAddressString(address)
                    : String.valueOf(value);
        }
    }

    /** Listens on a free port of the address. */
    IpfixCollector(String namespace, String address) {
        this(namespace, address, 0);
    }

    /** Listens on a port of the address. */
    IpfixCollector(String namespace, String address, int wanted) {
        channel =
                Lab.in(
                        namespace,
                        () ->
                                DatagramChannel.open()
                                        .setOption(StandardSocketOptions.SO_RCVBUF, 1 << 22)
                                        .bind(new InetSocketAddress(address, wanted)));
        try {
            port = ((InetSocketAddress) channel.getLocalAddress()).getPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread thread = new Thread(this::receive, "collector");
        thread.setDaemon(true);
        thread.start();
    }

    int port() {
        return port;
    }

    private void receive() {
        ByteBuffer datagram = ByteBuffer.allocate(65_536);
        try {
            while (true) {
                SocketAddress source = channel.receive(datagram.clear());
                add(source, datagram.flip());
            }
        } catch (ClosedChannelException e) {
            // close() ends it.
        } catch (IOException e) {
            add(e.toString());
        }
    }

    private synchronized void add(String error) {
        errors.add(error);
    }

    private synchronized void add(SocketAddress source, ByteBuffer datagram) {
        sources.add(source);
        try {
            Message message = reader.read(source, datagram);
            lost += message.lost();
            for (DataRecord record : message.records()) {
                Map<String, Object> values = record.toMap();
                values.put(DOMAIN, message.observationDomainId());
                records.add(new Record(values));
            }
            message.undecoded().forEach(set -> errors.add("not decoded: " + set));
            if (datagram.hasRemaining()) {
                errors.add(datagram.remaining() + " octets behind the Message");
            }
        } catch (IpfixException e) {
            errors.add(e.getMessage());
        }
    }

    /** Data Records that the sequence numbers say are missing, and all that was wrong. */
    synchronized List<String> errors() {
        List<String> all = new ArrayList<>(errors);
        if (lost != 0) {
            all.add(lost + " Data Records lost");
        }
        return all;
    }

    /** The sockets that Messages came from. */
    synchronized Set<SocketAddress> sources() {
        return Set.copyOf(sources);
    }

    synchronized List<Record> records() {
        return List.copyOf(records);
    }

    /** Packets and octets of all records that have these elements. */
    Traffic.Total total(Map<String, ?> elements) {
        return records().stream()
                .filter(record -> record.has(elements))
                .map(
                        r ->
                                new Traffic.Total(
                                        r.number("packetDeltaCount"), r.number("octetDeltaCount")))
                .reduce(Traffic.Total.NONE, Traffic.Total::plus);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
