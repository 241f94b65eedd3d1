// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Answers PTR queries (RFC 1035) at a port of the loopback. */
public final class DnsServer implements AutoCloseable {

    private static final int PTR = 12;
    private static final int NXDOMAIN = 3;
    private static final int HEADER = 12;

    private final DatagramSocket socket;
    private final Map<String, String> names = new ConcurrentHashMap<>();
    private final List<String> questions = new ArrayList<>();
    private volatile boolean silent;

    public DnsServer() {
        try {
            socket = new DatagramSocket(0, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread thread = new Thread(this::serve, "DNS server");
        thread.setDaemon(true);
        thread.start();
    }

    /** What to give to the client as its server. */
    public String address() {
        return "127.0.0.1:" + socket.getLocalPort();
    }

    /** Has a name for {@code 1.0.0.10.in-addr.arpa} and the like. */
    public DnsServer name(String arpa, String name) {
        names.put(arpa, name);
        return this;
    }

    /** Whether to answer no more. */
    void silent(boolean value) {
        silent = value;
    }

    /** What was asked for, one for each question. */
    List<String> questions() {
        synchronized (questions) {
            return List.copyOf(questions);
        }
    }

    private void serve() {
        byte[] buffer = new byte[1500];
        try {
            while (true) {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                socket.receive(packet);
                byte[] answer = answer(ByteBuffer.wrap(buffer, 0, packet.getLength()));
                if (!silent) {
                    socket.send(
                            new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                }
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private byte[] answer(ByteBuffer query) {
        StringBuilder question = new StringBuilder();
        query.position(HEADER);
        for (int length; (length = query.get()) != 0; ) {
            byte[] label = new byte[length];
            query.get(label);
            question.append(question.isEmpty() ? "" : ".")
                    .append(new String(label, StandardCharsets.US_ASCII));
        }
        int type = query.getShort();
        int end = query.position() + 2;
        synchronized (questions) {
            questions.add(question.toString());
        }
        String name = type == PTR ? names.get(question.toString()) : null;
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        answer.write(query.array(), 0, 2);
        // A response, recursion desired and available.
        answer.writeBytes(new byte[] {(byte) 0x81, (byte) (name == null ? 0x80 | NXDOMAIN : 0x80)});
        answer.writeBytes(new byte[] {0, 1, 0, (byte) (name == null ? 0 : 1), 0, 0, 0, 0});
        answer.write(query.array(), HEADER, end - HEADER);
        if (name != null) {
            byte[] target = name(name);
            // The name of the question, type PTR, class IN, a TTL of a minute.
            answer.writeBytes(new byte[] {(byte) 0xc0, HEADER, 0, PTR, 0, 1, 0, 0, 0, 60});
            answer.writeBytes(new byte[] {0, (byte) target.length});
            answer.writeBytes(target);
        }
        return answer.toByteArray();
    }

    private static byte[] name(String name) {
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        for (String label : name.split("\\.")) {
            octets.write(label.length());
            octets.writeBytes(label.getBytes(StandardCharsets.US_ASCII));
        }
        octets.write(0);
        return octets.toByteArray();
    }

    @Override
    public void close() {
        socket.close();
    }
}
