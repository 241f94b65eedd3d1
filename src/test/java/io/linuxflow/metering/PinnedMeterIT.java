// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.BpfMount;
import io.linuxflow.bpf.BpfObject;
import io.linuxflow.bpf.ClsactOptions;
import io.linuxflow.bpf.Command;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.Hook;
import io.linuxflow.bpf.Link;
import io.linuxflow.bpf.Links;
import io.linuxflow.bpf.NamespaceThread;
import io.linuxflow.bpf.TcAttachment;
import io.linuxflow.bpf.TcProgram;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.metering.FlowMeterObject.InterfaceKey;
import io.linuxflow.metering.InstalledMeters.Outcome;
import io.linuxflow.metering.MeterStatus.Traffic;
import io.linuxflow.metering.UnexportedFlows.FlushOutcome;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a pinned meter counts while no process is there to drain it, the next one hands out. */
class PinnedMeterIT {

    private static final String HERE = "pinned-it-a";
    private static final String THERE = "pinned-it-b";

    @BeforeAll
    static void mount() throws IOException {
        BpfMount.ensure();
    }

    @BeforeEach
    void makeNamespaces() throws Exception {
        ip("netns add " + HERE);
        ip("netns add " + THERE);
        plug();
    }

    /** The neighbour is set: resolving it would hold packets back. */
    private static void plug() throws Exception {
        ip("-n " + HERE + " link add eth0 type veth peer name eth0 netns " + THERE);
        ip("-n " + HERE + " address add 10.72.0.1/24 dev eth0");
        ip("-n " + HERE + " link set eth0 up");
        ip("-n " + THERE + " link set eth0 up");
        ip("-n " + HERE + " neighbour add 10.72.0.2 lladdr 02:00:00:00:00:02 dev eth0");
    }

    @AfterEach
    void removeNamespaces() throws Exception {
        for (String namespace : List.of(HERE, THERE)) {
            NamespaceThread.in(
                    namespace,
                    () -> {
                        try (PinnedState pins = PinnedState.ofThread()) {
                            pins.remove();
                            assertThat(pins.exists()).isFalse();
                        }
                        return null;
                    });
            ip("netns delete " + namespace);
        }
    }

    private static MeterOptions options() {
        return MeterOptions.DEFAULT
                .withInterfaces(HERE + ":eth0")
                .withDrainInterval(Duration.ofHours(1))
                .withPin(true);
    }

    /** What one meter hands out from its start to its end, which is all that it drains. */
    private static long packets(MeterOptions options, int sent) throws Exception {
        FlowQueue queue;
        Meter meter = new Meter(options);
        try (meter) {
            queue = meter.subscribe("test", 1 << 17);
            meter.start();
            send(sent);
        }
        List<FlowBatch> batches = batches(queue);
        assertThat(meter.status().drained())
                .isEqualTo(
                        new Traffic(
                                batches.stream().mapToLong(FlowBatch::packets).sum(),
                                batches.stream().mapToLong(FlowBatch::octets).sum()));
        return packets(batches);
    }

    private static List<FlowBatch> batches(FlowQueue queue) throws InterruptedException {
        List<FlowBatch> batches = new ArrayList<>();
        for (FlowBatch batch; (batch = queue.poll(Duration.ZERO)) != null; ) {
            batches.add(batch);
        }
        return batches;
    }

    private static long packets(List<FlowBatch> batches) {
        return batches.stream()
                .flatMap(batch -> batch.asList().stream())
                .filter(flow -> flow.protocolIdentifier() == 17)
                .mapToLong(Flow::packetDeltaCount)
                .sum();
    }

    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void theNextMeterHandsOutWhatWasCountedMeanwhile(Hook hook) throws Exception {
        assertThat(packets(options().withHook(hook), 10)).isEqualTo(10);
        send(20);
        assertThat(packets(options().withHook(hook), 3)).isEqualTo(23);
        assertThat(packets(options().withHook(hook), 0)).isZero();
    }

    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void otherSlotsAndAnotherClockBeginAnewOnceTheOldStateIsHandedOut(Hook hook) throws Exception {
        MeterOptions options = options().withHook(hook);
        assertThat(packets(options.withSlots(1000), 1)).isEqualTo(1);
        send(20);
        MeterOptions others = options.withSlots(2000).withClock(FlowClock.BOOT);
        assertThat(packets(others, 3)).isEqualTo(23);
        send(5);
        assertThat(packets(others, 0)).isEqualTo(5);
        List<PinnedState.Maps> maps = inNamespace(() -> PinnedState.ofThread().maps());
        assertThat(maps).singleElement().matches(m -> m.slots() == 2000);
    }

    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void latencyComesAndGoesWithTheOptionAndNoPacketIsLostOrCountedTwice(Hook hook)
            throws Exception {
        MeterOptions options = options().withHook(hook);
        assertThat(packets(options, 1)).isEqualTo(1);
        send(20);
        assertThat(packets(options.withLatency(true), 3)).isEqualTo(23);
        assertThat(programs(Direction.INGRESS)).hasSize(1);
        assertThat(programs(Direction.EGRESS)).hasSize(1);
        send(5);
        assertThat(packets(options.withLatency(true), 2)).isEqualTo(7);
        send(4);
        assertThat(packets(options, 3)).isEqualTo(7);
        assertThat(programs(Direction.INGRESS)).isEmpty();
        assertThat(programs(Direction.EGRESS)).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void anotherHookLeavesNothingOfTheOldOneBehind(Hook hook) throws Exception {
        Hook other = hook == Hook.TCX ? Hook.CLSACT : Hook.TCX;
        packets(options().withHook(hook), 0);
        send(20);
        assertThat(packets(options().withHook(other), 3)).isEqualTo(23);
        assertThat(programs(Direction.EGRESS)).extracting(TcProgram::hook).containsExactly(other);
    }

    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void whatIsNoLongerSelectedIsDetached(Hook hook) throws Exception {
        packets(options().withHook(hook).withDirection(MeteringDirection.BOTH), 0);
        assertThat(programs(Direction.INGRESS)).hasSize(1);
        packets(options().withHook(hook), 0);
        assertThat(programs(Direction.INGRESS)).isEmpty();
        assertThat(programs(Direction.EGRESS)).hasSize(1);
    }

    @Test
    void aFilterInAnotherChainIsTakenOverAndRemovedAsAnyOther() throws Exception {
        MeterOptions options = options().withHook(Hook.CLSACT);
        MeterOptions chained = options.withClsact(new ClsactOptions(0, 0, 42));
        for (int time = 0; time < 2; time++) {
            assertThat(packets(chained, 5)).as("nobody sends packets there").isZero();
            assertThat(programs(Direction.EGRESS))
                    .singleElement()
                    .matches(program -> program.place().chain() == 42);
        }
        assertThat(packets(options, 2)).isEqualTo(2);
        assertThat(programs(Direction.EGRESS))
                .singleElement()
                .matches(program -> program.place().chain() == 0);
        assertThat(InstalledMeters.in(HERE).detach(options, false, false))
                .singleElement()
                .matches(InstalledMeters.Outcome::done);
        assertThat(programs(Direction.EGRESS)).isEmpty();
    }

    @Test
    void flowsWhoseProcessWasKilledInTheMiddleOfADrainAreHandedOut() throws Exception {
        inNamespace(
                () -> {
                    try (PinnedState pins = PinnedState.own(HERE);
                            FlowMeterObject programs = FlowMeterObject.load(options(), pins);
                            SlotLog log = new SlotLog(programs.object(), options().slots())) {
                        Link eth0 = eth0();
                        TcAttachment attachment =
                                TcAttachment.attach(
                                        programs.program(Direction.EGRESS, eth0.layer()),
                                        eth0.index(),
                                        Direction.EGRESS,
                                        Hook.TCX,
                                        ClsactOptions.CHOSEN);
                        attachment.pin(pins.link(new InterfaceKey(eth0.index(), Direction.EGRESS)));
                        send(7);
                        log.flip();
                        send(8);
                        attachment.leave();
                    }
                    return null;
                });
        send(9);
        assertThat(packets(options(), 0)).isEqualTo(7 + 8 + 9);
    }

    @Test
    void aReplacedInterfaceGetsALinkOfItsOwn() throws Exception {
        packets(options(), 4);
        ip("-n " + HERE + " link delete eth0");
        plug();
        assertThat(packets(options(), 6)).isEqualTo(6);
        List<InterfaceKey> pinned = inNamespace(() -> PinnedState.ofThread().hookpoints());
        int index = inNamespace(() -> eth0().index());
        assertThat(pinned).containsExactly(new InterfaceKey(index, Direction.EGRESS));
    }

    @Test
    void anInterfaceThatGoesTakesItsPinAlong() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            ip("-n " + HERE + " link delete eth0");
            await().until(() -> inNamespace(() -> PinnedState.ofThread().hookpoints()).isEmpty());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void aMeterSeesThatSomebodyHasDetachedIt(Hook hook) throws Exception {
        try (Meter meter = new Meter(options().withHook(hook))) {
            meter.start();
            assertThat(meter.status().interfaces()).allMatch(i -> i.problem() == null);
            if (hook == Hook.TCX) {
                InstalledMeters.in(HERE).detach(options(), false, false);
            } else {
                Command.run("tc -n " + HERE + " qdisc delete dev eth0 clsact");
            }
            assertThat(meter.status().interfaces())
                    .singleElement()
                    .matches(i -> i.hook() == null && i.problem().contains("detached"));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void whatIsAttachedAnewIsTakenAgain(Hook hook) throws Exception {
        MeterOptions options = options().withHook(hook);
        InstalledMeters installed = InstalledMeters.in(HERE);
        assertThat(installed.attach(options, false, false, false)).allMatch(Outcome::done);
        try (Meter meter = new Meter(options.withInterfaces("attached"))) {
            meter.start();
            assertThat(installed.attach(options, false, true, false)).allMatch(Outcome::done);
            await().until(() -> isMetered(meter));
            assertThat(programs(Direction.EGRESS)).hasSize(1);
        }
    }

    @Test
    void whatCannotBePinnedIsNotAttachedEither() throws Exception {
        try (BpfObject object = BpfObject.open(BpfObject.resource("bpf/bridge.bpf.o"), "bridge");
                Meter meter = new Meter(options().withDrainInterval(Duration.ofMillis(50)))) {
            object.load();
            Path links = inNamespace(() -> PinnedState.ofThread().directory()).resolve("links");
            object.map("hash").pin(links);
            meter.start();
            await().until(() -> meter.status().epochs() > 5);
            assertThat(programs(Direction.EGRESS)).isEmpty();
            Files.delete(links);
            await().until(() -> isMetered(meter));
            assertThat(programs(Direction.EGRESS)).hasSize(1);
        }
    }

    private static boolean isMetered(Meter meter) {
        return meter.status().interfaces().stream().anyMatch(i -> i.hook() != null);
    }

    /** The meter looks whenever an interface changes, so also in the middle of attaching. */
    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void whatIsAttachedAnewWhileTheMeterLooksStays(Hook hook) throws Exception {
        MeterOptions options = options().withHook(hook);
        InstalledMeters installed = InstalledMeters.in(HERE);
        assertThat(installed.attach(options, false, false, false)).allMatch(Outcome::done);
        AtomicBoolean done = new AtomicBoolean();
        Thread changes =
                new Thread(
                        () -> {
                            for (int i = 0; !done.get(); i++) {
                                ip("-n " + HERE + " link set eth0 alias name" + i % 2);
                            }
                        });
        try (Meter meter = new Meter(options.withInterfaces("attached"))) {
            meter.start();
            changes.start();
            for (int i = 0; i < 15; i++) {
                assertThat(installed.attach(options, false, true, false)).allMatch(Outcome::done);
                await().until(() -> isMetered(meter));
                assertThat(programs(Direction.EGRESS)).hasSize(1);
            }
        } finally {
            done.set(true);
            changes.join();
        }
    }

    @Test
    void whatAProcessHoldsIsNotAttachedASecondTime() throws Exception {
        MeterOptions options = options().withHook(Hook.CLSACT);
        FlowQueue queue;
        try (Meter meter = new Meter(options)) {
            queue = meter.subscribe("test", 1000);
            meter.start();
            assertThat(InstalledMeters.in(HERE).attach(options, false, true, false))
                    .singleElement()
                    .matches(outcome -> !outcome.done())
                    .matches(outcome -> outcome.text().contains("a running process holds it"));
            send(10);
        }
        assertThat(packets(batches(queue))).isEqualTo(10);
    }

    @ParameterizedTest
    @ValueSource(strings = {HERE, THERE})
    void aNamespaceThatAnotherMeterDrainsHoldsUpNoOther(String taken) {
        String free = taken.equals(HERE) ? THERE : HERE;
        try (Meter other = new Meter(options().withInterfaces(taken + ":eth0"));
                Meter meter = new Meter(options().withInterfaces("attached"))) {
            meter.start();
            other.start();
            InstalledMeters.in(free)
                    .attach(options().withInterfaces(free + ":eth0"), false, false, false);
            await().until(() -> meter.status().interfaces(), each -> each.size() == 1);
            assertThat(meter.status().interfaces()).allMatch(i -> i.namespace().equals(free));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"flow_egress", "stamp_ingress"})
    void othersProgramsOfTheSameNameAreLeftAlone(String name) throws Exception {
        MeterOptions options = options().withHook(Hook.CLSACT);
        try (BpfObject object =
                BpfObject.open(BpfObject.resource("bpf/namesakes.bpf.o"), "namesakes")) {
            object.load();
            inNamespace(
                    () -> {
                        TcAttachment.attach(
                                        object.program(name),
                                        eth0().index(),
                                        Direction.EGRESS,
                                        Hook.CLSACT,
                                        new ClsactOptions(7, 7, 0))
                                .leave();
                        return null;
                    });
            assertThat(packets(options, 3)).isEqualTo(3);
            assertThat(programs(Direction.EGRESS)).hasSize(2);
            InstalledMeters.in(HERE).detach(options, true, false);
            assertThat(programs(Direction.EGRESS))
                    .singleElement()
                    .matches(program -> program.programId() == object.program(name).id());
        }
    }

    @Test
    void withoutAProcessOneFlowIsDiscardedAndTheOthersAreHandedOutByTheNext() throws Exception {
        packets(options(), 0);
        int[] ports = {20_001, 20_002, 20_003};
        // Thrice: the epoch that the first one ends is the one that the third continues.
        for (int round = 0; round < 3; round++) {
            for (int port : ports) {
                sendFrom(port, 10);
            }
            assertThat(UnexportedFlows.in(HERE).flush(from(20_002), true))
                    .extracting(FlushOutcome::flushed)
                    .containsExactly(new Flushed(1, 10, 10 * 38));
            assertThat(UnexportedFlows.in(HERE).flows(from(20_002), false))
                    .allMatch(meter -> meter.flows().size() == 0);
            long kept = 10L * (round + 1);
            assertThat(UnexportedFlows.in(HERE).flows(from(20_003), false))
                    .singleElement()
                    .matches(meter -> meter.flows().packets() == kept);
        }
        assertThat(packets(options(), 0)).isEqualTo(60);
    }

    @Test
    void withoutAProcessFlowsCanOnlyBeDiscarded() throws Exception {
        packets(options(), 0);
        send(7);
        assertThat(UnexportedFlows.in(HERE).flush(FlowFilter.ALL, false))
                .singleElement()
                .matches(outcome -> outcome.flushed().equals(Flushed.NONE))
                .matches(outcome -> outcome.problem().contains("that no exporter drains"));
        try (PinnedState other = inNamespace(() -> PinnedState.own(HERE))) {
            assertThat(other.exists()).isTrue();
            assertThat(UnexportedFlows.in(HERE).flush(FlowFilter.ALL, true))
                    .singleElement()
                    .matches(outcome -> outcome.flushed().equals(Flushed.NONE))
                    .matches(outcome -> outcome.problem().contains("offers no socket"));
        }
        assertThat(packets(options(), 0)).isEqualTo(7);
    }

    @Test
    void besidesAPinnedMeterAnotherOneAnswersForItself() throws Exception {
        packets(options(), 0);
        try (Meter meter = new Meter(options().withPin(false))) {
            FlowQueue queue = meter.subscribe("test", 1000);
            meter.start();
            sendFrom(20_001, 5);
            assertThat(UnexportedFlows.in(HERE).flows(from(20_001), true))
                    .hasSize(2)
                    .allMatch(each -> each.flows().packets() == 5);
            assertThat(UnexportedFlows.in(HERE).flush(from(20_001), false))
                    .hasSize(2)
                    .anyMatch(outcome -> outcome.flushed().packets() == 5)
                    .anyMatch(outcome -> outcome.problem() != null);
            assertThat(packets(batches(queue))).isEqualTo(5);
        }
        assertThat(packets(options(), 0)).isEqualTo(5);
    }

    private static FlowFilter from(int port) {
        return new FlowFilter(null, 17, null, port, null, FlowFilter.ANY);
    }

    @Test
    void oneProcessAtATimeDrains() throws Exception {
        try (Meter meter = new Meter(options());
                Meter other = new Meter(options())) {
            meter.start();
            assertThatThrownBy(other::start)
                    .hasMessage(
                            "Namespace pinned-it-a is metered with the option pin by another"
                                    + " process already. Stop that one, or leave pin out");
        }
    }

    private static Link eth0() {
        return Links.list().stream().filter(l -> l.name().equals("eth0")).findFirst().orElseThrow();
    }

    private static List<TcProgram> programs(Direction direction) throws Exception {
        return inNamespace(() -> TcProgram.list(eth0().index(), direction));
    }

    private static void send(int packets) throws Exception {
        sendFrom(0, packets);
    }

    /** 0 is a free port. */
    private static void sendFrom(int port, int packets) throws Exception {
        inNamespace(
                () -> {
                    try (DatagramSocket socket = new DatagramSocket(port)) {
                        InetAddress there = InetAddress.getByName("10.72.0.2");
                        for (int i = 0; i < packets; i++) {
                            socket.send(new DatagramPacket(new byte[10], 10, there, 4567));
                        }
                    }
                    return null;
                });
    }

    private static <T> T inNamespace(Callable<T> callable) {
        return NamespaceThread.in(HERE, callable);
    }

    private static void ip(String arguments) {
        Command.run("ip " + arguments);
    }
}
