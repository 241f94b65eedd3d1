// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.BpfObject;
import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.StructMember;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** The names and structs of {@code flowmeter.bpf.o}, loaded: what is known of it, is known here. */
final class FlowMeterObject implements AutoCloseable {

    private static final String RESOURCE = "bpf/flowmeter.bpf.o";

    /** {@code struct interface_counters}, in its order. */
    private static final List<String> COUNTERS =
            List.of("seen", "overflow", "excluded", "malformed", "non_ip");

    private static final int TRAFFIC_SIZE = 16;

    private final BpfObject object;

    private FlowMeterObject(BpfObject object) {
        this.object = object;
    }

    /** Loads the programs and their maps into the kernel; nothing is attached yet. */
    static FlowMeterObject load(MeterOptions options) {
        BpfObject object = BpfObject.open(BpfObject.resource(RESOURCE), "flowmeter");
        try {
            checkLayout(object);
            object.set("slots_per_half", options.slots())
                    .set("slots_high_water", options.slots() - options.slots() / 8)
                    .set("flow_clock", options.clock().ordinal())
                    .maxEntries("slots", 2 * options.slots())
                    .maxEntries("index", options.indexEntries())
                    .load();
            return new FlowMeterObject(object);
        } catch (RuntimeException | Error e) {
            object.close();
            throw e;
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

    /** What the programs have counted for one interface, all CPUs together. */
    Counters counters(int ifindex, Direction direction) {
        byte[] perCpu = object.map("interfaces").lookup(interfaceKey(ifindex, direction));
        return perCpu == null ? Counters.NONE : sum(perCpu);
    }

    /** Forgets an interface's counters: it is gone, and its index will not come again. */
    void forgetCounters(int ifindex, Direction direction) {
        object.map("interfaces").delete(interfaceKey(ifindex, direction));
    }

    private static byte[] interfaceKey(int ifindex, Direction direction) {
        return ByteBuffer.allocate(8)
                .order(ByteOrder.nativeOrder())
                .putInt(ifindex)
                .putInt(direction.ordinal())
                .array();
    }

    private static Counters sum(byte[] perCpu) {
        ByteBuffer values = ByteBuffer.wrap(perCpu).order(ByteOrder.nativeOrder());
        Counters sum = Counters.NONE;
        while (values.remaining() >= COUNTERS.size() * TRAFFIC_SIZE) {
            sum =
                    sum.plus(
                            new Counters(
                                    traffic(values),
                                    traffic(values),
                                    traffic(values),
                                    traffic(values),
                                    traffic(values)));
        }
        return sum;
    }

    private static Traffic traffic(ByteBuffer values) {
        return new Traffic(values.getLong(), values.getLong());
    }

    @Override
    public void close() {
        object.close();
    }
}
