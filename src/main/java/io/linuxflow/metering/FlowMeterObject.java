// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.INT;
import static io.linuxflow.flow.FlowLayout.LONG;

import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.BpfObject;
import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.LoadedProgram;
import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.bpf.StructMember;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Latency;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.zip.CRC32;

/** The names and structs of {@code flowmeter.bpf.o}, loaded: what is known of it, is known here. */
final class FlowMeterObject implements AutoCloseable {

    private static final String RESOURCE = "bpf/flowmeter.bpf.o";

    /** {@code struct interface_counters}, in its order: who they belong to, and five of traffic. */
    private static final List<String> COUNTERS =
            List.of("interface", "seen", "overflow", "excluded", "malformed", "non_ip");

    /** {@code struct latency}: whose it is, and the members of {@link Latency}. */
    private static final List<String> LATENCY =
            List.of("interfaces", "nanoseconds", "packets", "unmeasured");

    /** All of them, as libbpf calls them. What they hold is all the state there is. */
    static final List<String> MAPS =
            List.of(
                    "index",
                    "slots",
                    "interfaces",
                    "overflow",
                    "excluded",
                    "stamps",
                    "latencies",
                    "events",
                    ".bss");

    private static final List<String> PROGRAMS =
            List.of("flow_ingress", "flow_egress", "flow_ingress_l3", "flow_egress_l3");

    /** Those that run instead when latency is measured. */
    private static final List<String> TIMING_PROGRAMS =
            List.of("time_ingress", "time_egress", "time_ingress_l3", "time_egress_l3");

    /** What runs at ingress when latency is measured and packets are metered at egress only. */
    private static final String STAMPING_PROGRAM = "stamp_ingress";

    private static final List<String> STRUCTS =
            List.of(
                    "flow_key",
                    "flow_slot",
                    "interface_counters",
                    "traffic",
                    "excluded_session",
                    "stamp_set",
                    "stamp",
                    "latency");

    private static final List<String> GLOBALS = List.of("epoch", "slots_used", "clock_reading");

    private static final int IFINDEX = 0;
    private static final int DIRECTION = 4;
    private static final int TRAFFIC = 8;
    private static final int COUNTERS_SIZE = 88;

    private static final int LATENCY_SIZE = 32;

    /** Interfaces and directions that have counters of their own, on every CPU. */
    private static final int INTERFACES = 1024;

    /** Pairs of interfaces that have a latency of their own, on every CPU. */
    private static final int LATENCIES = 1024;

    /**
     * Far more than packets are on their way at a time, at two packets a set, so that their places
     * rarely meet.
     */
    private static final int STAMP_SETS = 1 << 13;

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

    private final boolean adopted;
    private final boolean latency;
    private final MappedMemory interfaces;
    private final MappedMemory latencies;
    private final MappedMemory stamps;

    private FlowMeterObject(BpfObject object, boolean adopted, boolean latency) {
        this.object = object;
        this.adopted = adopted;
        this.latency = latency;
        interfaces = object.map("interfaces").mmap(true);
        latencies = object.map("latencies").mmap(true);
        stamps = object.map("stamps").mmap(true);
    }

    /** Loads the programs and their maps into the kernel; nothing is attached yet. */
    static FlowMeterObject load(MeterOptions options) {
        return load(options, indexEntries(options), null);
    }

    /**
     * The same with maps that are pinned: those that are there, with what is in them, or new ones.
     */
    static FlowMeterObject load(MeterOptions options, PinnedState pins) {
        return load(options, indexEntries(options), pins);
    }

    /** At least half of the entries stay free, which keeps searches short. */
    private static int indexEntries(MeterOptions options) {
        return Integer.highestOneBit(options.slots() - 1 | 1) << 2;
    }

    /**
     * The same with an index of another size.
     *
     * @param indexEntries a power of 2
     */
    static FlowMeterObject load(MeterOptions options, int indexEntries) {
        return load(options, indexEntries, null);
    }

    private static FlowMeterObject load(MeterOptions options, int indexEntries, PinnedState pins) {
        BpfObject object = open();
        try {
            checkLayout(object);
            PinnedState.Maps maps = pins == null ? null : pins.maps(options, layout(object));
            boolean adopted = maps != null && maps.exist();
            object.set("slots_per_half", options.slots())
                    .set("slots_high_water", options.slots() - options.slots() / 8)
                    .set("index_entries", indexEntries)
                    .set("interfaces_max", INTERFACES)
                    .set("hash_seed", new SecureRandom().nextLong())
                    .set("flow_clock", options.clock().ordinal())
                    .maxEntries("slots", 2 * options.slots())
                    .maxEntries("index", indexEntries)
                    .set("stamp_sets", STAMP_SETS)
                    .set("latencies_max", LATENCIES)
                    .maxEntries("interfaces", (INTERFACES + 1) * possibleCpus())
                    .maxEntries("stamps", options.latency() ? STAMP_SETS : 1)
                    .maxEntries(
                            "latencies", options.latency() ? (LATENCIES + 1) * possibleCpus() : 1);
            PROGRAMS.forEach(program -> object.autoload(program, !options.latency()));
            TIMING_PROGRAMS.forEach(program -> object.autoload(program, options.latency()));
            object.autoload(STAMPING_PROGRAM, options.latency());
            if (adopted) {
                reuse(object, maps);
            }
            object.load();
            if (maps != null && !adopted) {
                maps.remove();
                maps.pin(object);
            }
            return new FlowMeterObject(object, adopted, options.latency());
        } catch (RuntimeException | Error e) {
            object.close();
            throw e;
        }
    }

    private static BpfObject open() {
        return BpfObject.open(BpfObject.resource(RESOURCE), "flowmeter");
    }

    private static void reuse(BpfObject object, PinnedState.Maps maps) {
        for (String name : MAPS) {
            try (BpfMap map = maps.open(name)) {
                object.reuse(name, map);
                if (name.equals("index")) {
                    object.set("index_entries", map.maxEntries());
                }
            }
        }
    }

    /** The time, by a meter's clock, though no meter is loaded: takes a tick or two. */
    static WallClock now(FlowClock clock) {
        try (BpfObject object = open()) {
            object.loadOnly("read_clock").set("flow_clock", clock.ordinal());
            List.of("slots", "index", "interfaces").forEach(map -> object.maxEntries(map, 1));
            object.load();
            return new KernelClock(object, clock).now();
        }
    }

    /** The clock of a meter that is loaded. */
    static FlowClock clock(BpfMap constants) {
        try (BpfObject object = open()) {
            int at = object.constantMember("flow_clock").offset();
            return FlowClock.values()[(int) INT.get(constants.lookup(new byte[Integer.BYTES]), at)];
        }
    }

    /** Short for all that has to be the same for one version to read the maps of another. */
    static String layout() {
        try (BpfObject object = open()) {
            return layout(object);
        }
    }

    /** Where the variables of the slot log are in .bss, and how large that is at least. */
    record Globals(StructMember epoch, StructMember slotsUsed, int size) {}

    static Globals globals() {
        try (BpfObject object = open()) {
            return new Globals(
                    object.globalMember("epoch"),
                    object.globalMember("slots_used"),
                    GLOBALS.stream()
                            .map(object::globalMember)
                            .mapToInt(global -> global.offset() + global.size())
                            .max()
                            .orElseThrow());
        }
    }

    private static String layout(BpfObject object) {
        CRC32 layout = new CRC32();
        for (String struct : STRUCTS) {
            layout.update(bytes(object.structMembers(struct)));
        }
        for (String global : GLOBALS) {
            layout.update(bytes(object.globalMember(global)));
        }
        layout.update(bytes(INTERFACES));
        return "%08x".formatted(layout.getValue());
    }

    private static byte[] bytes(Object text) {
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Whether a program at a hook is one of this object's, loaded by whatever process. Others' may
     * have the same name, but not the same maps.
     */
    static boolean isOurs(LoadedProgram program) {
        if (onlyStamps(program)) {
            return uses(program, "stamps");
        }
        return (PROGRAMS.contains(program.name()) || TIMING_PROGRAMS.contains(program.name()))
                && uses(program, "slots");
    }

    private static boolean uses(LoadedProgram program, String name) {
        for (int id : program.mapIds()) {
            try (BpfMap map = BpfMap.ofId(id)) {
                if (map != null && map.name().equals(name)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether a program is one of those that measure latency. */
    static boolean times(LoadedProgram program) {
        return TIMING_PROGRAMS.contains(program.name());
    }

    /** Whether a program meters nothing, but stamps packets to be measured where they leave. */
    static boolean onlyStamps(LoadedProgram program) {
        return program.name().equals(STAMPING_PROGRAM);
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
        requireEqual("interface_counters", names(object, "interface_counters"), COUNTERS);
        requireEqual("latency", names(object, "latency"), LATENCY);
    }

    private static List<String> names(BpfObject object, String struct) {
        return object.structMembers(struct).stream().map(StructMember::name).toList();
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

    /** Whether the maps were there, with what is in them. */
    boolean adopted() {
        return adopted;
    }

    /** Forgets the sessions of a process that is gone: their ports may be others' now. */
    void forgetSessions() {
        BpfMap map = object.map("excluded");
        map.keys().forEach(map::delete);
    }

    BpfObject object() {
        return object;
    }

    BpfProgram program(Direction direction, LinkLayer layer) {
        List<String> programs = latency ? TIMING_PROGRAMS : PROGRAMS;
        int index = (layer == LinkLayer.NONE ? 2 : 0) + (direction == Direction.INGRESS ? 0 : 1);
        return object.program(programs.get(index));
    }

    /** What only stamps the packets that come in; only if latency is measured. */
    BpfProgram stampingProgram() {
        return object.program(STAMPING_PROGRAM);
    }

    boolean measuresLatency() {
        return latency;
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
        return counters(interfaces);
    }

    /**
     * The same of any meter.
     *
     * @param interfaces its map of that name
     */
    static Map<InterfaceKey, Counters> counters(MappedMemory interfaces) {
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

    /** How long packets took, by pair of interfaces; empty if it is not measured. */
    Map<InterfacePair, Latency> latencies() {
        return latencies(latencies);
    }

    /**
     * The same of any meter.
     *
     * @param latencies its map of that name
     */
    static Map<InterfacePair, Latency> latencies(MappedMemory latencies) {
        Map<InterfacePair, Latency> found = new HashMap<>();
        ByteBuffer entries = latencies.buffer(0, (int) latencies.size());
        for (int at = 0; at < entries.limit(); at += LATENCY_SIZE) {
            Latency latency =
                    new Latency(
                            entries.getLong(at + 8),
                            entries.getLong(at + 16),
                            entries.getLong(at + 24));
            if (!latency.equals(Latency.NONE)) {
                found.merge(latencyPair(entries, at), latency, Latency::plus);
            }
        }
        return found;
    }

    private static InterfacePair latencyPair(ByteBuffer entries, int at) {
        int ingress = entries.getInt(at);
        return ingress == 0
                ? InterfacePair.OTHERS
                : new InterfacePair(ingress, entries.getInt(at + Integer.BYTES));
    }

    /** Takes the places of pairs back whose interfaces are gone. */
    void forgetLatencies(Predicate<InterfacePair> gone) {
        ByteBuffer entries = latencies.buffer(0, (int) latencies.size());
        for (int at = 0; at < entries.limit(); at += LATENCY_SIZE) {
            InterfacePair pair = latencyPair(entries, at);
            if (pair != InterfacePair.OTHERS && gone.test(pair)) {
                for (int word = TRAFFIC; word < LATENCY_SIZE; word += Long.BYTES) {
                    entries.putLong(at + word, 0);
                }
                latencies.putIntRelease(at, 0);
            }
        }
    }

    /** Throws all stamps away: those of an interface that gives none any more are never right. */
    void forgetStamps() {
        stamps.buffer(0, (int) stamps.size()).put(new byte[(int) stamps.size()]);
    }

    /** Takes the places of an interface back: it is gone, and nobody counts there any more. */
    void forget(InterfaceKey gone) {
        forgetStamps();
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
        latencies.close();
        stamps.close();
        object.close();
    }
}
