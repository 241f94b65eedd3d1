// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.awaitility.Awaitility.await;

import io.linuxflow.e2e.Traffic.Total;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A TCP connection between two namespaces. What went over it is known from the kernel's own count
 * of segments (TCP_INFO, by {@code ss}) while it is open.
 */
final class TcpConnection implements AutoCloseable {

    private static final int TCP_HEADER = 20;

    /** Linux sends MSS, SACK-permitted, timestamps and window scale with a SYN. */
    private static final int SYN_OPTIONS = 20;

    /** And timestamps with everything else. */
    private static final int OPTIONS = 12;

    private final String clientNamespace;
    private final String serverNamespace;
    private final String address;
    private final Socket client;
    private final Socket server;
    private final int clientPort;
    private final int serverPort;

    TcpConnection(String clientNamespace, String serverNamespace, String address) {
        this.clientNamespace = clientNamespace;
        this.serverNamespace = serverNamespace;
        this.address = address;
        try (ServerSocket listener =
                Lab.in(
                        serverNamespace,
                        () -> {
                            ServerSocket socket = new ServerSocket();
                            socket.bind(new InetSocketAddress(address, 0));
                            return socket;
                        })) {
            serverPort = listener.getLocalPort();
            client = Lab.in(clientNamespace, () -> new Socket(address, serverPort));
            clientPort = client.getLocalPort();
            server = listener.accept();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread thread = new Thread(this::answer, "tcp server");
        thread.setDaemon(true);
        thread.start();
    }

    /** A kilobyte for every 64. */
    private void answer() {
        byte[] buffer = new byte[65_536];
        try (InputStream in = server.getInputStream();
                OutputStream out = server.getOutputStream()) {
            while (in.readNBytes(buffer, 0, buffer.length) == buffer.length) {
                out.write(buffer, 0, 1024);
            }
        } catch (IOException e) {
            // The client has closed it.
        }
    }

    /** Sends so many times 64 KiB and waits until all of it and the answers have arrived. */
    void send(int times) {
        try {
            byte[] buffer = new byte[65_536];
            for (int i = 0; i < times; i++) {
                client.getOutputStream().write(buffer);
                client.getInputStream().readNBytes(1024);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int clientPort() {
        return clientPort;
    }

    int serverPort() {
        return serverPort;
    }

    /** What the client sent so far; only when nothing is under way. */
    Total sent() {
        return total(clientNamespace, "sport = :" + clientPort, 0);
    }

    /** What the server sent so far. The kernel doesn't count its SYN-ACK, so we do. */
    Total answered() {
        return total(serverNamespace, "sport = :" + serverPort, 1);
    }

    private Total total(String namespace, String filter, int uncounted) {
        String[] command = {"ss", "-tinHO", "state", "established", filter};
        String[] last = {""};
        // Delayed ACKs: settled is what is the same twice.
        String info =
                await().atMost(Duration.ofSeconds(10))
                        .pollInterval(Duration.ofMillis(100))
                        .until(
                                () -> {
                                    String before = last[0];
                                    last[0] =
                                            Shell.in(namespace, command)
                                                    .replaceAll("last\\w+:\\d+", "");
                                    return last[0].equals(before) ? before : null;
                                },
                                settled -> settled != null);
        if (info.contains("retrans")) {
            throw new AssertionError("packets were lost on the way: " + info);
        }
        long segments = number(info, "segs_out") + uncounted;
        long headers = segments * (Traffic.ipHeader(address) + TCP_HEADER + OPTIONS);
        return new Total(segments, headers + SYN_OPTIONS - OPTIONS + number(info, "bytes_sent"));
    }

    private static long number(String info, String name) {
        Matcher matcher = Pattern.compile("\\b" + name + ":(\\d+)").matcher(info);
        if (!matcher.find()) {
            throw new AssertionError("no " + name + " in " + info);
        }
        return Long.parseLong(matcher.group(1));
    }

    @Override
    public void close() {
        try {
            client.close();
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
