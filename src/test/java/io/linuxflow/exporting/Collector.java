// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A collector of someone else's, run as a process that listens on a UDP port of 127.0.0.1. */
final class Collector implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Datagrams that any receive buffer holds. */
    private static final int BURST = 20;

    private final int port;
    private final Process process;

    private Collector(int port, Process process) {
        this.port = port;
        this.process = process;
    }

    /** Starts it and waits until it listens. */
    static Collector start(int port, Path log, String... command) throws IOException {
        Collector collector = new Collector(port, program(log, command));
        try {
            await().atMost(PATIENCE)
                    .until(() -> collector.socket().isPresent() || !collector.process.isAlive());
            assertThat(collector.process.isAlive()).as(Files.readString(log)).isTrue();
        } catch (Throwable e) {
            collector.close();
            throw e;
        }
        return collector;
    }

    /** Runs a program to its end and gives what it prints. */
    static String output(Path log, String... command) throws Exception {
        Process process = program(log, command);
        try {
            assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as("%s ends", command[0])
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return Files.readString(log);
    }

    static int freePort() throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /**
     * Sends all from one socket, a Transport Session, no faster than it takes them in, and waits
     * until it has.
     */
    void send(List<byte[]> datagrams) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            int sent = 0;
            for (byte[] datagram : datagrams) {
                socket.send(new DatagramPacket(datagram, datagram.length));
                if (++sent % BURST == 0) {
                    awaitEmptyReceiveQueue();
                }
            }
            awaitEmptyReceiveQueue();
        }
    }

    private void awaitEmptyReceiveQueue() {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .untilAsserted(() -> assertThat(socket().orElseThrow()[4]).endsWith(":00000000"));
    }

    /** Ends it the orderly way: all of them take SIGINT, not all SIGTERM. */
    void stop() throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    private static Process program(Path log, String... command) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("TZ", "UTC");
        builder.environment().put("LC_ALL", "C");
        try {
            return builder.start();
        } catch (IOException e) {
            throw new AssertionError(
                    command[0] + " can't be started: apt install nfdump pmacct tshark", e);
        }
    }

    /** The columns of its socket in /proc/net/udp; the fifth is {@code tx_queue:rx_queue}. */
    private Optional<String[]> socket() throws IOException {
        String address = "0100007F:%04X".formatted(port);
        return Files.readAllLines(Path.of("/proc/net/udp")).stream()
                .map(line -> line.strip().split("\\s+"))
                .filter(columns -> columns[1].equals(address))
                .findFirst();
    }
}
