// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.Command;
import io.linuxflow.bpf.Hook;
import io.linuxflow.bpf.NamespaceThread;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The meter on real packets: two namespaces, a veth pair between them. */
class MeterIT {

    /** Other runs of this test, at the same time, have names of their own. */
    private static final String NAME = "meter-it-" + ProcessHandle.current().pid();

    private static final String HERE = NAME + "-a";
    private static final String THERE = NAME + "-b";
    private static final String MAC_THERE = "02:00:00:00:00:02";
    private static final int PORT = 4567;

    @BeforeEach
    void makeNamespaces() throws Exception {
        removeNamespaces();
        ip("netns add " + HERE);
        ip("netns add " + THERE);
        ip(
                "-n "
                        + HERE
                        + " link add eth0 type veth peer name eth0 address "
                        + MAC_THERE
                        + " netns "
                        + THERE);
        ip("-n " + HERE + " address add 10.71.0.1/24 dev eth0");
        ip("-n " + THERE + " address add 10.71.0.2/24 dev eth0");
        ip("-n " + HERE + " link set eth0 up");
        ip("-n " + THERE + " link set eth0 up");
        // Without ARP, which may lose its first request to a link that is just coming up.
        ip("-n " + HERE + " neighbour replace 10.71.0.2 lladdr " + MAC_THERE + " dev eth0");
    }

    @AfterEach
    void removeNamespaces() throws Exception {
        for (String namespace : List.of(HERE, THERE)) {
            new ProcessBuilder("ip", "netns", "delete", namespace).start().waitFor();
        }
    }

    @ParameterizedTest
    @EnumSource(FlowClock.class)
    void metersWhatASocketSends(FlowClock clock) throws Exception {
        Instant begin = Instant.now();
        List<Flow> flows;
        try (Meter meter = new Meter(options().withClock(clock))) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            send(7, 100);
            meter.flush();
            flows = udp(queue);
        }

        assertThat(flows).hasSize(1);
        Flow flow = flows.get(0);
        assertThat(flow.sourceAddress().getHostAddress()).isEqualTo("10.71.0.1");
        assertThat(flow.destinationAddress().getHostAddress()).isEqualTo("10.71.0.2");
        assertThat(flow.packetDeltaCount()).isEqualTo(7);
        assertThat(flow.octetDeltaCount()).isEqualTo(7 * (20 + 8 + 100));
        assertThat(flow.ingressInterface()).isZero();
        assertThat(flow.flowDirection()).isEqualTo(1);
        assertThat(flow.minimumTTL()).isEqualTo(64);
        assertThat(flow.flowEndReason()).isEqualTo(Flow.FORCED_END);
        // A tick is 10 ms at most.
        assertThat(Instant.ofEpochSecond(0, flow.flowStartNanos()))
                .isBetween(begin.minusMillis(10), Instant.now());
        assertThat(flow.flowEndNanos()).isGreaterThanOrEqualTo(flow.flowStartNanos());
        assertThat(Instant.ofEpochSecond(0, flow.flowEndNanos()))
                .isBetween(begin.minusMillis(10), Instant.now());
    }

    @Test
    void closingHandsOutEverythingAndEndsTheQueue() throws Exception {
        Meter meter = new Meter(options().withDrainInterval(Duration.ofHours(1)));
        FlowQueue queue = meter.subscribe("test", 1000);
        meter.start();
        send(3, 10);
        meter.close();

        assertThat(udp(queue)).singleElement().matches(flow -> flow.packetDeltaCount() == 3);
        assertThat(queue.isEnded()).isTrue();
        MeterStatus status = meter.status();
        assertThat(status.running()).isFalse();
        assertThat(status.drained()).isEqualTo(status.totals().metered());
    }

    @Test
    void everyQueueGetsEveryBatch() throws Exception {
        try (Meter meter = new Meter(options())) {
            FlowQueue one = meter.subscribe("one", 1000);
            FlowQueue other = meter.subscribe("other", 1000);
            meter.start();
            send(2, 10);
            meter.flush();

            assertThat(udp(one)).hasSize(1);
            assertThat(udp(other)).hasSize(1);
        }
    }

    @Test
    void sessionsOfThisProcessAreLeftOutAndCounted() throws Exception {
        try (Meter meter = new Meter(options());
                DatagramSocket socket = inNamespace(() -> new DatagramSocket())) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            ExportSessions.Session session =
                    new ExportSessions.Session(
                            new InetSocketAddress("10.71.0.1", socket.getLocalPort()),
                            new InetSocketAddress("10.71.0.2", PORT),
                            17);
            ExportSessions.add(session);
            try {
                send(socket, 5, 100);
                send(1, 100);
                meter.flush();

                assertThat(udp(queue)).singleElement().matches(f -> f.packetDeltaCount() == 1);
                assertThat(meter.status().totals().excluded())
                        .isEqualTo(new MeterStatus.Traffic(5, 5 * 128));
            } finally {
                ExportSessions.remove(session);
            }
            send(socket, 4, 100);
            meter.flush();
            assertThat(udp(queue)).singleElement().matches(f -> f.packetDeltaCount() == 4);
        }
    }

    @Test
    void interfacesAreAttachedWhenTheyComeAndNotedWhenTheyGo() throws Exception {
        MeterOptions options = options().withInterfaces(HERE + ":late");
        try (Meter meter = new Meter(options)) {
            meter.start();
            assertThat(meter.status().interfaces()).isEmpty();
            assertThat(meter.status().missing()).containsExactly(HERE + ":late");

            for (int i = 0; i < 2; i++) {
                ip("-n " + HERE + " link add late type veth peer name other");
                await().until(() -> !meter.status().interfaces().isEmpty());
                assertThat(meter.status().interfaces())
                        .singleElement()
                        .matches(it -> it.name().equals("late") && it.problem() == null);
                assertThat(meter.status().missing()).isEmpty();

                ip("-n " + HERE + " link delete late");
                await().until(() -> meter.status().interfaces().isEmpty());
                assertThat(meter.status().missing()).containsExactly(HERE + ":late");
            }
        }
    }

    @Test
    void whatCannotBeAttachedIsOnceNothingIsInTheWay() throws Exception {
        ip("netns exec " + HERE + " tc qdisc add dev eth0 ingress");
        try (Meter meter =
                new Meter(
                        options()
                                .withHook(Hook.CLSACT)
                                .withDrainInterval(Duration.ofMillis(100)))) {
            meter.start();
            assertThat(meter.status().interfaces())
                    .singleElement()
                    .matches(it -> it.problem().contains("an ingress qdisc is in the place"));
            ip("netns exec " + HERE + " tc qdisc delete dev eth0 ingress");
            await().until(() -> meter.status().interfaces().get(0).problem() == null);
        }
    }

    @Test
    void whenTheSlotsFillUpTheEpochEndsEarly() throws Exception {
        MeterOptions options =
                options()
                        .withDrainInterval(Duration.ofHours(1))
                        .withSlots(16)
                        .withActiveTimeout(Duration.ZERO);
        try (Meter meter = new Meter(options)) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            for (int i = 0; i < 15; i++) {
                send(1, 10);
            }

            await().until(() -> meter.status().earlyFlips() == 1);
            List<Flow> flows = udp(queue);
            assertThat(flows).isNotEmpty();
            assertThat(flows).allMatch(flow -> flow.flowEndReason() == Flow.LACK_OF_RESOURCES);
        }
    }

    @Test
    void theCacheMakesOneRecordOfAFlowThatManyEpochsSaw() throws Exception {
        MeterOptions options =
                options()
                        .withDrainInterval(Duration.ofMillis(50))
                        .withCache(
                                new CacheOptions(
                                        Duration.ofHours(1),
                                        Duration.ofSeconds(1),
                                        Duration.ZERO,
                                        100));
        try (Meter meter = new Meter(options);
                DatagramSocket socket = inNamespace(() -> new DatagramSocket())) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            for (int i = 1; i <= 3; i++) {
                send(socket, i, 100);
                long epochs = meter.status().epochs();
                await().until(() -> meter.status().epochs() >= epochs + 2);
            }
            assertThat(meter.status().cachedFlows()).isPositive();

            List<Flow> flows = new ArrayList<>();
            await().until(
                            () -> {
                                flows.addAll(udp(queue));
                                return !flows.isEmpty();
                            });
            assertThat(flows).hasSize(1);
            assertThat(flows.get(0).packetDeltaCount()).isEqualTo(6);
            assertThat(flows.get(0).flowEndReason()).isEqualTo(Flow.IDLE_TIMEOUT);
            assertThat(meter.status().uncachedFlows()).isZero();
        }
    }

    @Test
    void withoutTheCacheEachEpochGivesARecord() throws Exception {
        MeterOptions options =
                options().withDrainInterval(Duration.ofMillis(50)).withActiveTimeout(Duration.ZERO);
        try (Meter meter = new Meter(options);
                DatagramSocket socket = inNamespace(() -> new DatagramSocket())) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            for (int i = 1; i <= 3; i++) {
                send(socket, i, 100);
                long epochs = meter.status().epochs();
                await().until(() -> meter.status().epochs() >= epochs + 2);
            }
            assertThat(meter.status().cachedFlows()).isZero();
            assertThat(udp(queue))
                    .hasSizeGreaterThanOrEqualTo(3)
                    .allMatch(flow -> flow.flowEndReason() == Flow.ACTIVE_TIMEOUT);
        }
    }

    @Test
    void whatIsDrainedAndWhatFindsNoSlotIsAddedUpByPairOfInterfaces() throws Exception {
        Meter meter = new Meter(options().withDrainInterval(Duration.ofHours(1)).withSlots(16));
        meter.start();
        try (DatagramSocket socket = inNamespace(() -> new DatagramSocket())) {
            InetAddress there = InetAddress.getByName("10.71.0.2");
            for (int i = 0; i < 2000; i++) {
                socket.send(new DatagramPacket(new byte[100], 100, there, 5000 + i));
            }
        }
        meter.close();

        MeterStatus status = meter.status();
        assertThat(status.pairs())
                .singleElement()
                .satisfies(
                        pair -> {
                            assertThat(pair.namespace()).isEqualTo(HERE);
                            assertThat(pair.ingressIfindex()).isZero();
                            assertThat(pair.ingressName()).isEmpty();
                            assertThat(pair.egressIfindex())
                                    .isEqualTo(status.interfaces().get(0).ifindex());
                            assertThat(pair.egressName()).isEqualTo("eth0");
                            assertThat(pair.overflow().packets()).isPositive();
                            assertThat(pair.overflow()).isEqualTo(status.totals().overflow());
                            assertThat(pair.drained()).isEqualTo(status.totals().metered());
                        });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3600})
    void aPairOfInterfacesCountsWhatIsDrainedWhetherHandedOutOrNot(int activeSeconds)
            throws Exception {
        MeterOptions options =
                options()
                        .withDrainInterval(Duration.ofMillis(50))
                        .withActiveTimeout(Duration.ofSeconds(activeSeconds));
        try (Meter meter = new Meter(options)) {
            meter.start();
            send(5, 100);
            await().untilAsserted(
                            () -> {
                                MeterStatus status = meter.status();
                                assertThat(status.drained().packets()).isGreaterThanOrEqualTo(5);
                                assertThat(status.drained()).isEqualTo(status.totals().metered());
                            });
            assertThat(meter.status().flows() > 0).isEqualTo(activeSeconds == 0);
        }
    }

    @Test
    void aPairOfInterfacesThatAreGoneIsCountedAmongTheOthers() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            send(5, 100);
            meter.flush();
            assertThat(meter.status().pairs()).noneMatch(MeterStatus.Pair::isOthers);

            ip("-n " + HERE + " link delete eth0");

            await().until(
                            () ->
                                    meter.status().pairs().stream()
                                            .allMatch(MeterStatus.Pair::isOthers));
            assertThat(meter.status().pairs())
                    .singleElement()
                    .matches(pair -> pair.drained().packets() >= 5);
        }
    }

    @Test
    void aStatusIsAnsweredWhileASinkHoldsUpTheMeter() throws Exception {
        Meter meter = new Meter(options().withDrainInterval(Duration.ofHours(1)));
        FlowQueue full = meter.subscribe("slow", 1);
        meter.start();
        send(1, 100);
        meter.flush();
        send(1, 100);
        Thread closing = new Thread(meter::close);
        closing.start();
        await().until(() -> !meter.status().running());

        MeterStatus status = meter.status();

        assertThat(closing.isAlive()).isTrue();
        assertThat(status.interfaces()).isNotEmpty();
        full.close();
        closing.join();
        assertThat(meter.status().drained()).isEqualTo(meter.status().totals().metered());
    }

    private static MeterOptions options() {
        return MeterOptions.DEFAULT.withInterfaces(HERE + ":eth0");
    }

    private static List<Flow> udp(FlowQueue queue) throws InterruptedException {
        List<Flow> flows = new ArrayList<>();
        FlowBatch batch;
        while ((batch = queue.poll(Duration.ZERO)) != null) {
            for (Flow flow : batch) {
                if (flow.protocolIdentifier() == 17) {
                    flows.add(flow);
                }
            }
        }
        return flows;
    }

    private static void send(int packets, int octets) throws Exception {
        try (DatagramSocket socket = inNamespace(() -> new DatagramSocket())) {
            send(socket, packets, octets);
        }
    }

    private static void send(DatagramSocket socket, int packets, int octets) throws Exception {
        InetAddress there = InetAddress.getByName("10.71.0.2");
        for (int i = 0; i < packets; i++) {
            socket.send(new DatagramPacket(new byte[octets], octets, there, PORT));
        }
    }

    private static <T> T inNamespace(Callable<T> callable) {
        return NamespaceThread.in(HERE, callable);
    }

    private static void ip(String arguments) {
        Command.run("ip " + arguments);
    }
}
