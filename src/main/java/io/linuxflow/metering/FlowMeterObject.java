// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.INT;
import static io.linuxflow.flow.FlowLayout.LONG;

import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.BpfObject;
import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.bpf.StructMember;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The names and structs of {@code flowmeter.bpf.o}, loaded: what is known of it, is known here. */
final class FlowMeterObject implements AutoCloseable {

    private static final String RESOURCE = "bpf/flowmeter.bpf.o";

    /** {@code struct interface_counters}, in its order: who they belong to, and five of traffic. */
    private static final List<String> COUNTERS =
            List.of("interface", "seen", "overflow", "excluded", "malformed", "non_ip");

    private static final int IFINDEX = 0;
    private static final int DIRECTION = 4;
    private static final int TRAFFIC = 8;
    private static final int COUNTERS_SIZE = 88;

    /** Interfaces and directions that have counters of their own, on every CPU. */
    private static final int INTERFACES = 1024;

    private static final Path POSSIBLE_CPUS = Path.of("/sys/devices/system/cpu/possible");

    /**
     * Whose counters these are.
     *
     * @param ifindex 0 for all interfaces that found no place among the {@link #INTERFACES}
     */
    record InterfaceKey(int ifindex, Direction direction) {}

    /**
     * The interfaces that packets came in and left by, {@code struct interface_pair}.
     *
     * @param ingressIfindex 0 for packets that this host sent
     * @param egressIfindex 0 for packets metered at ingress
     */
    record InterfacePair(int ingressIfindex, int egressIfindex) {

        /** Stands for all that have no place of their own. */
        static final InterfacePair OTHERS = new InterfacePair(-1, -1);
    }

    private final BpfObject object;

    private final MappedMemory interfaces;

    private FlowMeterObject(BpfObject object) {
        this.object = object;
        interfaces = object.map("interfaces").mmap(true);
    }

    /** Loads the programs and their maps into the kernel; nothing is attached yet. */
    static FlowMeterObject load(MeterOptions options) {
        // At least half of the entries stay free, which keeps searches short.
        return load(options, Integer.highestOneBit(options.slots() - 1 | 1) << 2);
    }

    /**
     * The same with an index of another size.
     *
     * @param indexEntries a power of 2
     */
    static FlowMeterObject load(MeterOptions options, int indexEntries) {
        BpfObject object = BpfObject.open(BpfObject.resource(RESOURCE), "flowmeter");
        try {
            checkLayout(object);
            object.set("slots_per_half", options.slots())
                    .set("slots_high_water", options.slots() - options.slots() / 8)
                    .set("index_entries", indexEntries)
                    .set("interfaces_max", INTERFACES)
                    .set("hash_seed", new SecureRandom().nextLong())
                    .set("flow_clock", options.clock().ordinal())
                    .maxEntries("slots", 2 * options.slots())
                    .maxEntries("index", indexEntries)
                    .maxEntries("interfaces", (INTERFACES + 1) * possibleCpus())
                    .load();
            return new FlowMeterObject(object);
        } catch (RuntimeException | Error e) {
            object.close();
            throw e;
        }
    }

    /** One more than the highest number that a CPU can have; the file holds "0-3" or "0,2-3". */
    private static int possibleCpus() {
        try {
            String[] numbers = Files.readString(POSSIBLE_CPUS).strip().split("[-,]");
            return Integer.parseInt(numbers[numbers.length - 1]) + 1;
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + POSSIBLE_CPUS + ": mount sysfs", e);
        }
    }

    private static void checkLayout(BpfObject object) {
        for (String struct : List.of("flow_key", "flow_slot")) {
            List<FlowLayout.Member> compiled =
                    object.structMembers(struct).stream()
                            .map(m -> new FlowLayout.Member(struct, m.name(), m.offset(), m.size()))
                            .toList();
            List<FlowLayout.Member> expected =
                    FlowLayout.MEMBERS.stream().filter(m -> m.struct().equals(struct)).toList();
            requireEqual(struct, compiled, expected);
        }
        requireEqual(
                "interface_counters",
                object.structMembers("interface_counters").stream()
                        .map(StructMember::name)
                        .toList(),
                COUNTERS);
    }

    private static void requireEqual(String struct, Object compiled, Object expected) {
        if (!compiled.equals(expected)) {
            throw new IllegalStateException(
                    RESOURCE
                            + " was compiled from another bpf/flow.h than this program expects:"
                            + " struct "
                            + struct
                            + " is "
                            + compiled
                            + " and not "
                            + expected
                            + ". Build both again.");
        }
    }

    BpfObject object() {
        return object;
    }

    BpfProgram program(Direction direction, LinkLayer layer) {
        String name = direction == Direction.INGRESS ? "flow_ingress" : "flow_egress";
        return object.program(layer == LinkLayer.NONE ? name + "_l3" : name);
    }

    BpfMap events() {
        return object.map("events");
    }

    void exclude(ExportSessions.Session session, boolean excluded) {
        BpfMap map = object.map("excluded");
        if (excluded) {
            map.update(session.key(), new byte[] {1});
        } else {
            map.delete(session.key());
        }
    }

    /** What the programs have counted, all CPUs together. */
    Map<InterfaceKey, Counters> counters() {
        Map<InterfaceKey, Counters> counters = new HashMap<>();
        ByteBuffer entries = interfaces.buffer(0, (int) interfaces.size());
        for (int at = 0; at + COUNTERS_SIZE <= entries.limit(); at += COUNTERS_SIZE) {
            Counters found =
                    new Counters(
                            traffic(entries, at, 0),
                            traffic(entries, at, 1),
                            traffic(entries, at, 2),
                            traffic(entries, at, 3),
                            traffic(entries, at, 4));
            if (found.seen().packets() != 0) {
                counters.merge(key(entries, at), found, Counters::plus);
            }
        }
        return counters;
    }

    /** What got no slot, by pair of interfaces, as far as the kernel had room for pairs. */
    Map<InterfacePair, Traffic> overflow() {
        BpfMap map = object.map("overflow");
        Map<InterfacePair, Traffic> overflow = new HashMap<>();
        for (byte[] key : map.keys()) {
            byte[] value = map.lookup(key);
            if (value != null) {
                overflow.put(
                        new InterfacePair((int) INT.get(key, 0), (int) INT.get(key, Integer.BYTES)),
                        new Traffic((long) LONG.get(value, 0), (long) LONG.get(value, Long.BYTES)));
            }
        }
        return overflow;
    }

    /** Takes the places of an interface back: it is gone, and nobody counts there any more. */
    void forget(InterfaceKey gone) {
        ByteBuffer entries = interfaces.buffer(0, (int) interfaces.size());
        for (int at = 0; at + COUNTERS_SIZE <= entries.limit(); at += COUNTERS_SIZE) {
            if (key(entries, at).equals(gone)) {
                for (int word = TRAFFIC; word < COUNTERS_SIZE; word += Long.BYTES) {
                    entries.putLong(at + word, 0);
                }
                interfaces.putIntRelease(at + IFINDEX, 0);
            }
        }
    }

    private static InterfaceKey key(ByteBuffer entries, int at) {
        return new InterfaceKey(
                entries.getInt(at + IFINDEX),
                entries.getInt(at + DIRECTION) == Direction.INGRESS.ordinal()
                        ? Direction.INGRESS
                        : Direction.EGRESS);
    }

    private static Traffic traffic(ByteBuffer entries, int at, int index) {
        int from = at + TRAFFIC + 2 * Long.BYTES * index;
        return new Traffic(entries.getLong(from), entries.getLong(from + Long.BYTES));
    }

    @Override
    public void close() {
        interfaces.close();
        object.close();
    }
}
