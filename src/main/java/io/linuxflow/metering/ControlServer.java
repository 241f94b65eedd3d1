// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The socket at which a running meter listens to flowctl; see {@link ControlRequest}. Its one
 * thread waits for connections; each then has a thread of its own, and the meter's threads do no
 * more than what must be done there, so that a client which hangs or dies hurts nobody.
 */
final class ControlServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

    /** Connections at a time. Others wait. */
    private static final int CONNECTIONS = 4;

    /** How long a client may take to send a request, and to receive the answer. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<NamespaceMeter> meters;
    private final Path socket;
    private final ServerSocketChannel server;
    private final Semaphore connections = new Semaphore(CONNECTIONS);

    private ControlServer(List<NamespaceMeter> meters, Path socket, ServerSocketChannel server) {
        this.meters = meters;
        this.socket = socket;
        this.server = server;
        start("flow-meter-control", this::accept);
    }

    /** Listens; null, with a warning, if there can be no socket. The meter does without. */
    static ControlServer open(List<NamespaceMeter> meters) {
        String name =
                ProcessHandle.current().pid()
                        + "-"
                        + Long.toUnsignedString(new SecureRandom().nextLong(), Character.MAX_RADIX);
        Path socket = ControlRequest.DIRECTORY.resolve(name + ControlClient.SUFFIX);
        Path unready = ControlRequest.DIRECTORY.resolve(name);
        ServerSocketChannel server = null;
        try {
            makeDirectory();
            ControlClient.removeStale();
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(unready));
            Files.setPosixFilePermissions(unready, PosixFilePermissions.fromString("rw-------"));
            // Under its name it is only seen once it listens, so nobody takes it for a stale one.
            Files.move(unready, socket, StandardCopyOption.ATOMIC_MOVE);
            return new ControlServer(meters, socket, server);
        } catch (IOException | UnsupportedOperationException e) {
            close(server);
            LOG.warn(
                    "flowctl can neither see nor flush the flow cache of this process, for want of"
                            + " a socket in {}: {}",
                    ControlRequest.DIRECTORY,
                    e.toString());
            return null;
        }
    }

    private static void makeDirectory() throws IOException {
        try {
            Files.createDirectory(
                    ControlRequest.DIRECTORY,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            // By another meter, or by systemd's RuntimeDirectory=.
        }
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        try {
            while (true) {
                connections.acquire();
                SocketChannel connection = server.accept();
                start("flow-meter-control-connection", () -> answer(connection));
            }
        } catch (ClosedChannelException e) {
            // close() ends it.
        } catch (IOException e) {
            LOG.warn("flowctl can reach this process no longer: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void answer(SocketChannel connection) {
        try (connection;
                DataInputStream in = new DataInputStream(Channels.newInputStream(connection));
                DataOutputStream out =
                        new DataOutputStream(
                                new BufferedOutputStream(Channels.newOutputStream(connection)))) {
            answer(connection, in, out);
        } catch (IOException e) {
            LOG.debug("flowctl has gone away: {}", e.toString());
        } finally {
            connections.release();
        }
    }

    private void answer(SocketChannel connection, DataInputStream in, DataOutputStream out)
            throws IOException {
        List<FlowDump> dumps = new ArrayList<>();
        try {
            ControlRequest request = within(PATIENCE, connection, () -> ControlRequest.read(in));
            List<NamespaceMeter> asked =
                    meters.stream().filter(m -> m.cookie() == request.namespace()).toList();
            switch (request.command()) {
                case DUMP -> {
                    asked.forEach(meter -> dumps.add(meter.dump(request.which())));
                    within(PATIENCE, connection, () -> write(dumps, out, connection));
                }
                case FLUSH -> flush(asked, request, false, out);
                case DISCARD -> flush(asked, request, true, out);
            }
            out.writeBoolean(false);
        } catch (RuntimeException e) {
            out.writeUTF(String.valueOf(e.getMessage()));
        } finally {
            dumps.forEach(FlowDump::close);
        }
    }

    /** Something that waits for the other end of a channel. */
    interface Exchange<T> {
        T run() throws IOException;
    }

    /** Closes the channel when it takes longer. */
    static <T> T within(Duration patience, SocketChannel channel, Exchange<T> exchange)
            throws IOException {
        CompletableFuture<Void> done = new CompletableFuture<>();
        done.orTimeout(patience.toNanos(), TimeUnit.NANOSECONDS)
                .whenComplete(
                        (nothing, timeout) -> {
                            if (timeout != null) {
                                close(channel);
                            }
                        });
        try {
            return exchange.run();
        } finally {
            done.complete(null);
        }
    }

    private static Void write(List<FlowDump> dumps, DataOutputStream out, SocketChannel connection)
            throws IOException {
        out.writeUTF("");
        for (FlowDump dump : dumps) {
            out.writeBoolean(true);
            out.writeInt(dump.log());
            out.writeInt(dump.observationDomain());
            out.writeInt(dump.inKernel().size());
            out.writeInt(dump.inCache().size());
            out.flush();
            for (FlowCopies copies : List.of(dump.inKernel(), dump.inCache())) {
                for (ByteBuffer records = copies.finish(); records.hasRemaining(); ) {
                    connection.write(records);
                }
            }
        }
        return null;
    }

    private static void flush(
            List<NamespaceMeter> asked,
            ControlRequest request,
            boolean discard,
            DataOutputStream out)
            throws IOException {
        List<Integer> logs = asked.stream().map(NamespaceMeter::logId).toList();
        List<Flushed> flushed =
                asked.stream().map(meter -> meter.flush(request.which(), discard)).toList();
        out.writeUTF("");
        for (int i = 0; i < asked.size(); i++) {
            out.writeBoolean(true);
            out.writeInt(logs.get(i));
            out.writeLong(flushed.get(i).flows());
            out.writeLong(flushed.get(i).packets());
            out.writeLong(flushed.get(i).octets());
            LOG.info(
                    "{} flows are {} because flowctl asked for it",
                    flushed.get(i).flows(),
                    discard ? "discarded" : "exported");
        }
    }

    private static void close(Channel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            LOG.debug("a socket", e);
        }
    }

    /** Listens no more. A request that is being answered is answered still. */
    @Override
    public void close() {
        close(server);
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            LOG.debug("{} stays", socket, e);
        }
    }
}
