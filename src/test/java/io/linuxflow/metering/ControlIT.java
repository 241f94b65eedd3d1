// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowFilter.ANY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.Command;
import io.linuxflow.bpf.NamespaceThread;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.metering.MeterStatus.Traffic;
import io.linuxflow.metering.UnexportedFlows.FlushOutcome;
import io.linuxflow.metering.UnexportedFlows.MeterFlows;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A meter looked into and flushed from outside, through its socket, while packets come. */
class ControlIT {

    private static final String NAME = "control-it-" + ProcessHandle.current().pid();
    private static final String HERE = NAME + "-a";
    private static final String THERE = NAME + "-b";
    private static final int FIRST_PORT = 20_000;
    private static final int PORTS = 40;
    private static final int UDP = 17;

    @BeforeEach
    void makeNamespaces() throws Exception {
        removeNamespaces();
        ip("netns add " + HERE);
        ip("netns add " + THERE);
        ip("-n " + HERE + " link add eth0 type veth peer name eth0 netns " + THERE);
        ip("-n " + HERE + " address add 10.74.0.1/24 dev eth0");
        ip("-n " + HERE + " link set eth0 up");
        ip("-n " + THERE + " link set eth0 up");
        ip("-n " + HERE + " neighbour add 10.74.0.2 lladdr 02:00:00:00:00:02 dev eth0");
    }

    @AfterEach
    void removeNamespaces() throws Exception {
        for (String namespace : List.of(HERE, THERE)) {
            new ProcessBuilder("ip", "netns", "delete", namespace).start().waitFor();
        }
    }

    private static MeterOptions options() {
        return MeterOptions.DEFAULT
                .withInterfaces(HERE + ":eth0")
                .withDrainInterval(Duration.ofMillis(20))
                .withCache(
                        new CacheOptions(
                                Duration.ofHours(1),
                                Duration.ofHours(1),
                                Duration.ofHours(1),
                                1000));
    }

    private static FlowFilter from(int port) {
        return new FlowFilter(null, UDP, null, port, null, ANY);
    }

    private static List<Flow> dump(FlowFilter which) {
        List<Flow> flows = new ArrayList<>();
        for (MeterFlows meter : UnexportedFlows.in(HERE).flows(which, false)) {
            assertThat(meter.exporter()).isEqualTo(ProcessHandle.current().pid());
            flows.addAll(meter.flows().asList());
        }
        return flows;
    }

    private static long packets(List<Flow> flows) {
        return flows.stream().mapToLong(Flow::packetDeltaCount).sum();
    }

    private static long octets(List<Flow> flows) {
        return flows.stream().mapToLong(Flow::octetDeltaCount).sum();
    }

    private static Flushed flush(FlowFilter which, boolean discard) {
        List<FlushOutcome> outcomes = UnexportedFlows.in(HERE).flush(which, discard);
        assertThat(outcomes).singleElement().matches(outcome -> outcome.problem() == null);
        return outcomes.get(0).flushed();
    }

    private static String place(Flow flow) {
        return new String(
                flow.batch().column(UnexportedFlows.PLACE).value(flow.index()),
                StandardCharsets.UTF_8);
    }

    private static List<Path> sockets() throws IOException {
        try (Stream<Path> files = Files.list(ControlRequest.DIRECTORY)) {
            return files.filter(
                            file ->
                                    file.getFileName()
                                            .toString()
                                            .startsWith(ProcessHandle.current().pid() + "-"))
                    .toList();
        }
    }

    private static List<Flow> taken(FlowQueue queue) throws InterruptedException {
        return udp(all(queue));
    }

    private static List<Flow> all(FlowQueue queue) throws InterruptedException {
        List<Flow> flows = new ArrayList<>();
        FlowBatch batch;
        while ((batch = queue.poll(Duration.ZERO)) != null) {
            flows.addAll(batch.asList());
        }
        return flows;
    }

    /** The kernel's own packets, such as neighbour discovery, are in others. */
    private static List<Flow> udp(List<Flow> flows) {
        return flows.stream().filter(flow -> flow.protocolIdentifier() == UDP).toList();
    }

    @Test
    void showsWhereAFlowIs() throws Exception {
        try (Meter meter = new Meter(options().withDrainInterval(Duration.ofHours(1)))) {
            meter.start();
            send(1, 3);
            send(2, 1);
            assertThat(dump(from(FIRST_PORT + 1)))
                    .singleElement()
                    .matches(f -> f.packetDeltaCount() == 3 && place(f).equals("kernel"))
                    .matches(f -> f.flowEndReason() == 0);
            // Ends the epoch, and so fills the cache.
            flush(from(FIRST_PORT + 2), true);
            assertThat(dump(from(FIRST_PORT + 1)))
                    .singleElement()
                    .matches(f -> f.packetDeltaCount() == 3 && place(f).equals("cache"));
            send(1, 2);
            assertThat(dump(from(FIRST_PORT + 1)))
                    .singleElement()
                    .matches(f -> f.packetDeltaCount() == 5 && place(f).equals("both"));
        }
    }

    @Test
    void aDumpMissesAndDoublesNothingWhateverTheMoment() throws Exception {
        try (Meter meter = new Meter(options().withDrainInterval(Duration.ofMillis(5)))) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            AtomicLong begun = new AtomicLong();
            AtomicLong sent = new AtomicLong();
            AtomicBoolean enough = new AtomicBoolean();
            Future<?> sender =
                    CompletableFuture.runAsync(
                            () -> {
                                for (int i = 0; !enough.get(); i++) {
                                    begun.incrementAndGet();
                                    send(i % PORTS, 1);
                                    sent.incrementAndGet();
                                }
                            });
            long epochs = meter.status().epochs();
            for (int i = 0; i < 60; i++) {
                long least = sent.get();
                List<Flow> flows = dump(new FlowFilter(null, UDP, null, ANY, null, ANY));
                assertThat(packets(flows)).isBetween(least, begun.get());
                assertThat(flows).hasSizeLessThanOrEqualTo(PORTS);
            }
            enough.set(true);
            sender.get(10, TimeUnit.SECONDS);
            assertThat(meter.status().epochs() - epochs).isGreaterThan(10);
            assertThat(taken(queue)).isEmpty();
        }
    }

    @ParameterizedTest(name = "active timeout {0} ms, {1} slots, {2} flows in the cache")
    @CsvSource({"3600000, 131072, 1000", "100, 131072, 1000", "100, 32, 10", "0, 131072, 1"})
    void packetsSentAreExportedOrDiscardedWhileItIsFlushedAndDumped(
            int activeMillis, int slots, int maxFlows) throws Exception {
        Meter meter =
                new Meter(
                        options()
                                .withSlots(slots)
                                .withCache(
                                        new CacheOptions(
                                                Duration.ofMillis(activeMillis),
                                                Duration.ofSeconds(1),
                                                Duration.ZERO,
                                                maxFlows)));
        FlowQueue queue = meter.subscribe("test", 1_000_000);
        meter.start();
        ExecutorService threads = Executors.newCachedThreadPool();
        AtomicBoolean enough = new AtomicBoolean();
        AtomicLong flushed = new AtomicLong();
        AtomicLong thrownAway = new AtomicLong();
        List<Future<Flushed>> flushers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Random random = new Random(i);
            flushers.add(threads.submit(() -> hammer(random, enough, flushed, thrownAway)));
        }
        List<Future<?>> senders = new ArrayList<>();
        AtomicLong sent = new AtomicLong();
        for (int i = 0; i < 2; i++) {
            senders.add(
                    threads.submit(
                            () -> {
                                for (int round = 0;
                                        round < 5000 || flushed.get() == 0 || thrownAway.get() == 0;
                                        round++) {
                                    for (int port = 0; port < PORTS; port++) {
                                        send(port, 1);
                                    }
                                    sent.addAndGet(PORTS);
                                }
                            }));
        }
        for (Future<?> sender : senders) {
            sender.get(120, TimeUnit.SECONDS);
        }
        enough.set(true);
        Flushed discarded = Flushed.NONE;
        for (Future<Flushed> flusher : flushers) {
            discarded = discarded.plus(flusher.get(30, TimeUnit.SECONDS));
        }
        threads.shutdown();
        meter.close();

        MeterStatus status = meter.status();
        assertThat(status.discarded()).isEqualTo(discarded);
        assertThat(discarded.packets()).isPositive();
        List<Flow> all = all(queue);
        assertThat(status.flows()).isEqualTo(all.size());
        assertThat(
                        new Traffic(
                                packets(all) + discarded.packets(),
                                octets(all) + discarded.octets()))
                .isEqualTo(status.drained())
                .isEqualTo(status.totals().metered());
        List<Flow> exported = udp(all);
        long overflow = status.totals().overflow().packets();
        assertThat(overflow > 0).isEqualTo(slots < PORTS);
        if (overflow == 0) {
            assertThat(packets(exported) + discarded.packets()).isEqualTo(sent.get());
        }
        assertThat(exported).anyMatch(flow -> flow.flowEndReason() == Flow.FORCED_END);
    }

    /** What was discarded: of UDP only. */
    private static Flushed hammer(
            Random random, AtomicBoolean enough, AtomicLong flushed, AtomicLong thrownAway) {
        Flushed discarded = Flushed.NONE;
        while (!enough.get()) {
            FlowFilter one = from(FIRST_PORT + random.nextInt(PORTS));
            switch (random.nextInt(4)) {
                case 0 -> flush(FlowFilter.ALL, false);
                case 1 -> flushed.addAndGet(flush(one, false).packets());
                case 2 -> {
                    Flushed more = flush(one, true);
                    discarded = discarded.plus(more);
                    thrownAway.addAndGet(more.packets());
                }
                default -> dump(FlowFilter.ALL);
            }
        }
        return discarded;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3600})
    void whatIsFlushedIsExportedAsForcedToEndAndGoesOnAnew(int activeSeconds) throws Exception {
        try (Meter meter =
                new Meter(
                        options()
                                .withDrainInterval(Duration.ofHours(1))
                                .withActiveTimeout(Duration.ofSeconds(activeSeconds)))) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            send(1, 3);
            assertThat(flush(from(FIRST_PORT + 1), false)).isEqualTo(new Flushed(1, 3, 3 * 38));
            assertThat(taken(queue))
                    .singleElement()
                    .matches(f -> f.packetDeltaCount() == 3)
                    .matches(f -> f.flowEndReason() == Flow.FORCED_END);
            assertThat(dump(from(FIRST_PORT + 1))).isEmpty();
            assertThat(flush(from(FIRST_PORT + 1), false)).isEqualTo(Flushed.NONE);
            send(1, 2);
            assertThat(packets(dump(from(FIRST_PORT + 1)))).isEqualTo(2);
            assertThat(meter.status().discarded()).isEqualTo(Flushed.NONE);
        }
    }

    @Test
    void twoMetersOfANamespaceEachAnswer() throws Exception {
        try (Meter one = new Meter(options());
                Meter other = new Meter(options())) {
            one.start();
            other.start();
            send(1, 3);
            assertThat(dump(from(FIRST_PORT + 1)))
                    .hasSize(2)
                    .allMatch(f -> f.packetDeltaCount() == 3);
            assertThat(UnexportedFlows.in(HERE).flush(from(FIRST_PORT + 1), true))
                    .extracting(FlushOutcome::flushed)
                    .containsExactly(new Flushed(1, 3, 3 * 38), new Flushed(1, 3, 3 * 38));
        }
    }

    @Test
    void onlyItsOwnerCanReachTheSocketWhichGoesWithTheMeter() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            Path socket = sockets().get(0);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                    .isEqualTo("rw-------");
        }
        assertThat(sockets()).isEmpty();
    }

    @Test
    void aSocketThatNobodyListensAtIsRemoved() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            Path stale = ControlRequest.DIRECTORY.resolve("999999999-stale.sock");
            ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                    .bind(UnixDomainSocketAddress.of(stale))
                    .close();
            assertThat(stale).exists();
            dump(FlowFilter.ALL);
            assertThat(stale).doesNotExist();
            assertThat(sockets()).hasSize(1);
        }
    }

    @Test
    void clientsThatHangHurtNobody() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            List<SocketChannel> hanging = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                hanging.add(SocketChannel.open(UnixDomainSocketAddress.of(sockets().get(0))));
            }
            long epochs = meter.status().epochs();
            await().until(() -> meter.status().epochs() > epochs + 10);
            send(1, 3);
            assertThat(packets(dump(from(FIRST_PORT + 1)))).isEqualTo(3);
            for (SocketChannel each : hanging) {
                each.close();
            }
        }
    }

    @Test
    void anotherVersionIsRefused() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            try (SocketChannel channel =
                            SocketChannel.open(UnixDomainSocketAddress.of(sockets().get(0)));
                    DataOutputStream out = new DataOutputStream(Channels.newOutputStream(channel));
                    DataInputStream in = new DataInputStream(Channels.newInputStream(channel))) {
                out.writeUTF("0");
                assertThat(in.readUTF())
                        .isEqualTo(
                                "it speaks version "
                                        + ControlRequest.VERSION
                                        + " of the control protocol, not 0: use its own flowctl");
            }
        }
    }

    @Test
    void whoDoesNotAnswerIsNamed() throws Exception {
        Files.createDirectories(ControlRequest.DIRECTORY);
        Path socket = ControlRequest.DIRECTORY.resolve("4711-odd.sock");
        try (ServerSocketChannel server =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                        .bind(UnixDomainSocketAddress.of(socket))) {
            CompletableFuture.runAsync(
                    () -> {
                        try {
                            server.accept().close();
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                    });
            assertThatThrownBy(() -> dump(FlowFilter.ALL))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the exporter with process id 4711");
        } finally {
            Files.deleteIfExists(socket);
        }
    }

    /** Sockets stay in the namespace that they were made in. */
    private final DatagramSocket[] senders = new DatagramSocket[PORTS];

    @BeforeEach
    void openSockets() throws Exception {
        for (int i = 0; i < PORTS; i++) {
            int port = FIRST_PORT + i;
            senders[i] = inNamespace(() -> new DatagramSocket(port));
        }
    }

    @AfterEach
    void closeSockets() {
        for (DatagramSocket sender : senders) {
            sender.close();
        }
    }

    private void send(int port, int packets) {
        try {
            InetAddress there = InetAddress.getByName("10.74.0.2");
            for (int i = 0; i < packets; i++) {
                senders[port].send(new DatagramPacket(new byte[10], 10, there, 9));
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static <T> T inNamespace(Callable<T> callable) {
        return NamespaceThread.in(HERE, callable);
    }

    private static void ip(String arguments) {
        Command.run("ip " + arguments);
    }
}
