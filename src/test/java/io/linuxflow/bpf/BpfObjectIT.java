// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Objects, maps, variables and test runs in the kernel. */
class BpfObjectIT {

    private static final byte[] FRAME = "a frame of octets that mean nothing".getBytes(UTF_8);

    private BpfObject object;

    @BeforeEach
    void open() {
        object = BpfObject.open(BpfObject.resource("bpf/bridge.bpf.o"), "bridge");
    }

    @AfterEach
    void close() {
        object.close();
    }

    private static ByteBuffer host(byte[] octets) {
        return ByteBuffer.wrap(octets).order(ByteOrder.nativeOrder());
    }

    private static byte[] intBytes(int value) {
        return host(new byte[Integer.BYTES]).putInt(value).array();
    }

    private static byte[] longBytes(long value) {
        return host(new byte[Long.BYTES]).putLong(value).array();
    }

    @Test
    void theMeterPassesTheVerifier() {
        try (BpfObject meter =
                BpfObject.open(BpfObject.resource("bpf/flowmeter.bpf.o"), "flowmeter")) {
            meter.load();

            assertThat(meter.program("flow_egress").id()).isPositive();
            assertThat(meter.map("slots").valueSize()).isEqualTo(104);
        }
    }

    @Test
    void knobsReachTheProgramInTheirSizesAndTheRingBufferBringsThemBack() {
        object.set("knob8", 200)
                .set("knob16", -2)
                .set("knob32", 0xcafe_babeL)
                .set("knob64", Long.MIN_VALUE)
                .load();
        List<byte[]> events = new ArrayList<>();
        try (RingBuffer ring =
                new RingBuffer(
                        object.map("events"),
                        event -> {
                            assertThat(event.order()).isEqualTo(ByteOrder.nativeOrder());
                            byte[] copy = new byte[event.remaining()];
                            event.get(copy);
                            events.add(copy);
                        })) {
            assertThat(Poll.await(Duration.ZERO, ring.fd())).containsExactly(false);
            assertThat(ring.consume()).isZero();

            assertThat(object.program("emit_knobs").run()).isZero();
            assertThat(object.program("emit_knobs").run()).isZero();

            assertThat(Poll.await(Duration.ZERO, ring.fd())).containsExactly(true);
            assertThat(ring.consume()).isEqualTo(2);
        }
        assertThat(events).hasSize(2);
        ByteBuffer knobs = host(events.get(0));
        assertThat(knobs.getLong(0)).isEqualTo(Long.MIN_VALUE);
        assertThat(knobs.getInt(8)).isEqualTo(0xcafe_babe);
        assertThat(knobs.getShort(12)).isEqualTo((short) -2);
        assertThat(Byte.toUnsignedInt(knobs.get(14))).isEqualTo(200);
    }

    @Test
    void whatTheConsumerOfEventsThrowsIsThrown() {
        object.load();
        try (RingBuffer ring =
                new RingBuffer(
                        object.map("events"),
                        event -> {
                            throw new IllegalArgumentException("not this one");
                        })) {
            object.program("emit_knobs").run();

            assertThatThrownBy(ring::consume).hasMessage("not this one");
            assertThat(ring.consume()).as("it was consumed nevertheless").isZero();
        }
    }

    @Test
    void onlyARingBufferIsRead() {
        object.load();

        assertThatThrownBy(() -> new RingBuffer(object.map("hash"), event -> {}))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("open the ring buffer: Invalid argument (EINVAL)");
    }

    @Test
    void aMapIsReadAndWritten() {
        object.load();
        BpfMap hash = object.map("hash");

        assertThat(hash.keySize()).isEqualTo(4);
        assertThat(hash.valueSize()).isEqualTo(8);
        assertThat(hash.lookup(intBytes(1))).isNull();
        hash.update(intBytes(1), longBytes(10));
        hash.update(intBytes(2), longBytes(20));
        hash.update(intBytes(2), longBytes(21));
        assertThat(hash.lookup(intBytes(2))).isEqualTo(longBytes(21));
        assertThat(hash.keys()).containsExactlyInAnyOrder(intBytes(1), intBytes(2));
        assertThat(hash.delete(intBytes(1))).isTrue();
        assertThat(hash.delete(intBytes(1))).isFalse();
        assertThat(hash.keys()).containsExactly(intBytes(2));
    }

    @Test
    void aMapHasTheSizeThatWasSet() {
        object.maxEntries("hash", 1).load();
        BpfMap hash = object.map("hash");
        hash.update(intBytes(1), longBytes(1));

        assertThat(hash.maxEntries()).isEqualTo(1);
        assertThatThrownBy(() -> hash.update(intBytes(2), longBytes(2)))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("update the map hash: Argument list too long (E2BIG)");
    }

    @Test
    void keysAndValuesHaveToHaveTheirSize() {
        object.load();

        assertThatThrownBy(() -> object.map("hash").lookup(new byte[3]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a key of the map hash has 4 octets, not 3");
        assertThatThrownBy(() -> object.map("hash").update(new byte[4], new byte[7]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a value of the map hash has 8 octets, not 7");
    }

    @Test
    void aPerCpuMapGivesTheValuesOfAllCpus() {
        object.load();
        object.program("see").testRun(TestRun.of(FRAME).repeat(100));
        BpfMap perCpu = object.map("per_cpu");

        ByteBuffer values = host(perCpu.lookup(intBytes(0)));
        long sum = 0;
        for (int at = 0; at < values.limit(); at += 8) {
            sum += values.getInt(at);
        }

        assertThat(perCpu.valueSize()).isEqualTo(4);
        assertThat(values.limit() / 8)
                .isGreaterThanOrEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(sum).isEqualTo(100);
    }

    @Test
    void mappedValuesAreTheMapsAndStandEightAligned() {
        object.load();
        BpfMap mappable = object.map("mappable");
        byte[] value = host(new byte[12]).putInt(1).putInt(2).putInt(3).array();
        mappable.update(intBytes(2), value);

        try (MappedMemory memory = mappable.mmap(true)) {
            assertThat(memory.size()).isEqualTo(3 * 16);
            assertThat(memory.buffer(2 * 16, 12).getInt(8)).isEqualTo(3);
            assertThat(memory.getIntAcquire(2 * 16 + 4)).isEqualTo(2);
            memory.putLongRelease(0, 0x1111_2222_3333_4444L);
            assertThat(memory.getLongAcquire(0)).isEqualTo(0x1111_2222_3333_4444L);
            assertThatThrownBy(() -> memory.buffer(40, 9))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThat(host(mappable.lookup(intBytes(0))).getLong(0)).isEqualTo(0x1111_2222_3333_4444L);
    }

    @Test
    void aMapThatCannotBeMappedSaysWhy() {
        object.load();

        assertThatThrownBy(() -> object.map("hash").mmap(false))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("mmap the map hash: ")
                .hasMessageEndingWith("Only arrays made with BPF_F_MMAPABLE can be mapped");
    }

    @Test
    void globalsAreSharedWithTheProgram() {
        object.load();
        MappedMemory seen = object.global("seen");
        object.program("see").testRun(TestRun.of(FRAME).repeat(10));
        assertThat(seen.size()).isEqualTo(8);
        assertThat(seen.getLongAcquire(0)).isEqualTo(10);

        seen.putLongRelease(0, 1000);
        object.program("see").testRun(TestRun.of(FRAME));

        assertThat(object.global("seen").getLongAcquire(0)).isEqualTo(1001);
        assertThat(object.map(".bss").maxEntries()).isEqualTo(1);
        assertThatThrownBy(() -> object.global("knob8"))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("find the .bss variable knob8 of bridge: ");
    }

    @Test
    void aTestRunSetsTheContext() {
        object.load();

        TestRun.Result result =
                object.program("context")
                        .testRun(
                                TestRun.of(FRAME)
                                        .mark(0xffff_fff0)
                                        .ifindex(1)
                                        .ingressIfindex(7)
                                        .gso(3, 1448));

        MappedMemory fields = object.global("fields");
        assertThat(result.retval()).isEqualTo(42);
        assertThat(fields.getIntAcquire(0)).isEqualTo(0xffff_fff0);
        assertThat(fields.getIntAcquire(4)).isEqualTo(1);
        assertThat(fields.getIntAcquire(8)).isEqualTo(7);
        assertThat(fields.getIntAcquire(12)).isEqualTo(3);
        assertThat(fields.getIntAcquire(16)).isEqualTo(1448);
    }

    @Test
    void aTestRunShowsWhetherThePacketWasAltered() {
        object.load();
        byte[] altered = FRAME.clone();
        altered[14] = (byte) 0xee;

        assertThat(object.program("see").testRun(TestRun.of(FRAME)))
                .satisfies(result -> assertThat(result.packet()).isEqualTo(FRAME))
                .satisfies(result -> assertThat(result.retval()).isEqualTo(-1));
        assertThat(object.program("overwrite").testRun(TestRun.of(FRAME)).packet())
                .isEqualTo(altered);
        assertThat(object.program("dawdle").testRun(TestRun.of(FRAME)).durationNanos())
                .isGreaterThan(100_000);
    }

    @Test
    void aTestRunOnTooShortAFrameIsRefused() {
        object.load();

        assertThatThrownBy(() -> object.program("see").testRun(TestRun.of(new byte[13])))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith(
                        "test run the program see on 13 octets: Invalid argument (EINVAL)");
    }

    @Test
    void anUnknownProgramIsNamedAndTheKnownOnesListed() {
        object.load();

        assertThatThrownBy(() -> object.program("meter"))
                .isInstanceOf(BpfException.class)
                .hasMessage(
                        "find the program meter of bridge: there is none of that name. It has"
                                + " see, see_second, accept, context, overwrite, dawdle,"
                                + " emit_knobs");
    }

    @Test
    void aRejectionBringsTheVerifiersWords() {
        try (BpfObject invalid =
                BpfObject.open(BpfObject.resource("bpf/invalid.bpf.o"), "invalid")) {
            assertThatThrownBy(invalid::load)
                    .asInstanceOf(InstanceOfAssertFactories.type(BpfException.class))
                    .satisfies(
                            e -> {
                                assertThat(e.operation()).isEqualTo("load the BPF object invalid");
                                assertThat(e.errno()).isEqualTo(LibC.EACCES);
                                assertThat(e.getMessage())
                                        .contains("Permission denied (EACCES)")
                                        .contains("'unchecked'")
                                        .contains("R0 invalid mem access 'map_value_or_null'")
                                        .contains("5.15 is the oldest supported")
                                        .doesNotContain("CAP_BPF");
                                assertThat(e.verifierLog()).contains("processed ");
                            });
        }
    }

    @Test
    void aMapThatCannotBeMadeIsNamed() {
        object.maxEntries("mappable", -1);

        assertThatThrownBy(object::load)
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("load the BPF object bridge: ")
                .hasMessageContaining("map 'mappable': failed to create");
    }

    @Test
    void anObjectIsLoadedOnce() {
        object.load();

        assertThatThrownBy(object::load)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the BPF object bridge is loaded already");
        assertThatThrownBy(() -> object.set("knob8", 1)).isInstanceOf(IllegalStateException.class);
    }
}
