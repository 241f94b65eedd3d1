// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.FlowLayout;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Asks the meters that run on this machine, in whatever process; see {@link ControlRequest}. */
final class ControlClient {

    static final String SUFFIX = ".sock";

    /** Longer than a meter takes when its sinks hold it up. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /**
     * What one meter answers.
     *
     * @param pid its process
     * @param log the kernel's number of the slots that it drains
     * @param inKernel records, if they were asked for; null else
     * @param inCache likewise
     * @param flushed null if records were asked for
     */
    record Answer(long pid, int log, ByteBuffer inKernel, ByteBuffer inCache, Flushed flushed) {}

    private interface Exchange {
        void with(SocketChannel channel) throws IOException;
    }

    private ControlClient() {}

    /**
     * Asks all meters.
     *
     * @return what those of that namespace answer
     * @throws IllegalStateException naming the process that could not answer
     */
    static List<Answer> ask(ControlRequest request) {
        List<Answer> answers = new ArrayList<>();
        for (Path socket : sockets()) {
            long pid = Long.parseLong(socket.getFileName().toString().replaceFirst("-.*", ""));
            try {
                connect(socket, channel -> ask(channel, request, pid, answers));
            } catch (EOFException e) {
                throw new IllegalStateException(
                        "the exporter with process id " + pid + " has broken off", e);
            } catch (IOException e) {
                throw new IllegalStateException(
                        "the exporter with process id " + pid + " does not answer: " + e, e);
            }
        }
        return answers;
    }

    private static void ask(
            SocketChannel channel, ControlRequest request, long pid, List<Answer> answers)
            throws IOException {
        request.write(
                new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel))));
        DataInputStream in =
                new DataInputStream(
                        new BufferedInputStream(Channels.newInputStream(channel), 1 << 16));
        String problem = in.readUTF();
        if (!problem.isEmpty()) {
            throw new IllegalStateException(
                    "the exporter with process id " + pid + " refuses: " + problem);
        }
        while (in.readBoolean()) {
            int log = in.readInt();
            if (request.command() == ControlRequest.Command.DUMP) {
                in.readInt();
                int inKernel = in.readInt();
                int inCache = in.readInt();
                answers.add(
                        new Answer(pid, log, records(in, inKernel), records(in, inCache), null));
            } else {
                Flushed flushed = new Flushed(in.readLong(), in.readLong(), in.readLong());
                answers.add(new Answer(pid, log, null, null, flushed));
            }
        }
    }

    private static ByteBuffer records(DataInputStream in, int count) throws IOException {
        byte[] records = new byte[Math.multiplyExact(count, FlowLayout.SIZE)];
        in.readFully(records);
        return ByteBuffer.wrap(records).order(ByteOrder.nativeOrder());
    }

    /** Removes the sockets of processes that have not done so themselves. */
    static void removeStale() {
        for (Path socket : sockets()) {
            try {
                connect(socket, channel -> {});
            } catch (IOException e) {
                // Whoever that is, it is there.
            }
        }
    }

    private static List<Path> sockets() {
        try (Stream<Path> files = Files.list(ControlRequest.DIRECTORY)) {
            return files.filter(
                            file -> file.getFileName().toString().matches("\\d+-\\w+\\" + SUFFIX))
                    .sorted()
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new IllegalStateException(
                    "can't look for exporters in " + ControlRequest.DIRECTORY + ": run as root", e);
        }
    }

    /** If nobody listens any more, all it does is remove the socket. */
    private static void connect(Path socket, Exchange exchange) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
            } catch (ConnectException e) {
                Files.deleteIfExists(socket);
                return;
            } catch (IOException e) {
                if (Files.exists(socket)) {
                    throw e;
                }
                return;
            }
            ControlServer.within(
                    PATIENCE,
                    channel,
                    () -> {
                        exchange.with(channel);
                        return null;
                    });
        }
    }
}
