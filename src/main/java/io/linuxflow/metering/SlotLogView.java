// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.GracePeriod;
import io.linuxflow.bpf.LoadedProgram;
import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.bpf.StructMember;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.metering.FlowMeterObject.InterfaceKey;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Latency;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The maps of a meter, mapped to be looked at; whoever drains them does not notice. */
final class SlotLogView implements AutoCloseable {

    /** How often to begin again when an epoch ends underway. */
    private static final int ATTEMPTS = 5;

    private final int id;
    private final FlowClock clock;
    private final int slotsPerHalf;
    private final MappedMemory slots;
    private final MappedMemory interfaces;
    private final MappedMemory latencies;
    private final MappedMemory bss;
    private final MappedMemory epoch;
    private final MappedMemory used;

    /**
     * @param latenciesMap null if latency is not measured
     */
    private SlotLogView(
            BpfMap slotsMap,
            BpfMap interfacesMap,
            BpfMap bssMap,
            BpfMap latenciesMap,
            FlowClock clock) {
        FlowMeterObject.Globals globals = FlowMeterObject.globals();
        if (slotsMap.valueSize() != FlowLayout.SIZE || bssMap.valueSize() < globals.size()) {
            throw new IllegalStateException(
                    "the meter in the kernel is of another version, which this one can't read: use"
                            + " that version's flowctl");
        }
        id = slotsMap.id();
        this.clock = clock;
        slotsPerHalf = slotsMap.maxEntries() / 2;
        slots = slotsMap.mmap(false);
        interfaces = interfacesMap.mmap(false);
        latencies = latenciesMap == null ? null : latenciesMap.mmap(false);
        bss = bssMap.mmap(false);
        epoch = slice(globals.epoch());
        used = slice(globals.slotsUsed());
    }

    private MappedMemory slice(StructMember global) {
        return bss.slice(global.offset(), global.size());
    }

    /** Those that are pinned. */
    static SlotLogView of(PinnedState.Maps maps) {
        try (BpfMap slots = maps.open("slots");
                BpfMap interfaces = maps.open("interfaces");
                BpfMap bss = maps.open(".bss")) {
            return new SlotLogView(slots, interfaces, bss, null, maps.clock());
        }
    }

    /** Those that a program uses; null if it has gone in the meantime. */
    static SlotLogView of(LoadedProgram program) {
        BpfMap slots = null;
        BpfMap interfaces = null;
        BpfMap bss = null;
        BpfMap constants = null;
        BpfMap latencies = null;
        List<BpfMap> maps =
                program.mapIds().stream().map(BpfMap::ofId).filter(Objects::nonNull).toList();
        try {
            for (BpfMap map : maps) {
                switch (map.name()) {
                    case "slots" -> slots = map;
                    case "interfaces" -> interfaces = map;
                    case "latencies" -> latencies = map;
                    default -> {
                        bss = map.name().endsWith(".bss") ? map : bss;
                        constants = map.name().endsWith(".rodata") ? map : constants;
                    }
                }
            }
            return slots == null || interfaces == null || bss == null || constants == null
                    ? null
                    : new SlotLogView(
                            slots, interfaces, bss, latencies, FlowMeterObject.clock(constants));
        } finally {
            maps.forEach(BpfMap::close);
        }
    }

    /** What tells this log from others. */
    int id() {
        return id;
    }

    FlowClock clock() {
        return clock;
    }

    int slots() {
        return slotsPerHalf;
    }

    /** Slots taken in the current epoch, and in the one before if it is not handed out yet. */
    int used() {
        int now = epoch.getIntAcquire(0);
        return used(now) + used(now - 1);
    }

    private int used(int epoch) {
        return SlotLog.used(used, epoch, slotsPerHalf);
    }

    Map<InterfaceKey, Counters> counters() {
        return FlowMeterObject.counters(interfaces);
    }

    /** How long packets took that left by an interface; none if it is not measured. */
    Latency latency(int egressIfindex) {
        return latencies == null
                ? Latency.NONE
                : FlowMeterObject.latencies(latencies).entrySet().stream()
                        .filter(each -> each.getKey().egressIfindex() == egressIfindex)
                        .map(Map.Entry::getValue)
                        .reduce(Latency.NONE, Latency::plus);
    }

    /**
     * Copies of the slots of the current epoch, and of the one before if it is not handed out yet,
     * times as readings of the flow clock. Each is complete, but for packets of this moment.
     */
    ByteBuffer records() {
        for (int attempt = 1; ; attempt++) {
            int now = epoch.getIntAcquire(0);
            int[] sizes = {used(now - 1) * FlowLayout.SIZE, used(now) * FlowLayout.SIZE};
            // A program that has just taken a slot may not have filled it yet.
            GracePeriod.await();
            ByteBuffer records =
                    ByteBuffer.allocate(sizes[0] + sizes[1]).order(ByteOrder.nativeOrder());
            for (int i = 0; i < 2; i++) {
                long half = now - 1 + i & 1;
                records.put(slots.buffer(half * slotsPerHalf * FlowLayout.SIZE, sizes[i]));
            }
            if (epoch.getIntAcquire(0) == now || attempt == ATTEMPTS) {
                return records.flip();
            }
        }
    }

    @Override
    public void close() {
        slots.close();
        interfaces.close();
        if (latencies != null) {
            latencies.close();
        }
        bss.close();
    }
}
