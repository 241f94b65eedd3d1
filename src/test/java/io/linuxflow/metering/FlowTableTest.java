// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.FlowLayout;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FlowTableTest {

    private static final int SEGMENT = 8192;

    private final AtomicInteger allocated = new AtomicInteger();

    @Test
    void takesMemoryAsItIsNeeded() {
        FlowTable table = table(FlowTable.MAX_FLOWS, Integer.MAX_VALUE);
        assertThat(allocated).hasValue(0);
        insert(table, 0, 1);
        assertThat(allocated).hasValue(1);
        insert(table, 1, SEGMENT);
        assertThat(allocated).hasValue(1);
        insert(table, SEGMENT, SEGMENT + 1);
        assertThat(allocated).hasValue(2);
    }

    @Test
    void withoutMoreMemoryItKeepsToWhatItHas() {
        FlowTable table = table(5 * SEGMENT, 2);

        assertThat(insert(table, 0, 2 * SEGMENT)).doesNotContain(FlowTable.NONE);
        assertThat(insert(table, 2 * SEGMENT, 2 * SEGMENT + 2)).containsOnly(FlowTable.NONE);
        assertThat(table.size()).isEqualTo(2 * SEGMENT);
        assertThat(find(table, 17)).isNotEqualTo(FlowTable.NONE);

        table.remove(find(table, 17));
        assertThat(find(table, 17)).isEqualTo(FlowTable.NONE);
        assertThat(insert(table, 17, 18)).doesNotContain(FlowTable.NONE);
        assertThat(insert(table, 3 * SEGMENT, 3 * SEGMENT + 1)).containsOnly(FlowTable.NONE);
    }

    @Test
    void anEntryKeepsItsPlaceAsTheIndexGrowsAndOthersAreRemoved() {
        FlowTable table = table(1 << 18, Integer.MAX_VALUE);
        int flows = 100_000;
        assertThat(insert(table, 0, flows)).hasSize(flows);
        int[] entries = new int[flows];
        for (int flow = 0; flow < flows; flow++) {
            entries[flow] = find(table, flow);
        }
        for (int flow = 0; flow < flows; flow += 2) {
            table.remove(entries[flow]);
        }
        for (int flow = 0; flow < flows; flow++) {
            assertThat(find(table, flow)).isEqualTo(flow % 2 == 0 ? FlowTable.NONE : entries[flow]);
        }
        assertThat(table.size()).isEqualTo(flows / 2);
    }

    @Test
    void flowsWithOneHashAreToldApartByTheirKeys() {
        FlowTable table = table(100, Integer.MAX_VALUE);
        Slots one = slot(1);
        Slots other = slot(2);
        int entry = table.insert(one.memory, 0, 42);

        assertThat(table.find(other.memory, 0, 42)).isEqualTo(FlowTable.NONE);
        int otherEntry = table.insert(other.memory, 0, 42);
        assertThat(table.find(one.memory, 0, 42)).isEqualTo(entry);
        assertThat(table.find(other.memory, 0, 42)).isEqualTo(otherEntry);
    }

    @Test
    void theHashDependsOnTheSeedAndOnEveryOctetOfTheKey() {
        FlowTable table = table(1, Integer.MAX_VALUE);
        FlowTable other = new FlowTable(1, 1, 4711, ByteBuffer::allocateDirect);
        Set<Integer> hashes = new HashSet<>();
        Slots slots = new Slots();
        slots.add(new byte[FlowLayout.KEY_SIZE]);
        for (int octet = 0; octet < FlowLayout.SIZE; octet++) {
            slots.memory.put(octet, (byte) (slots.memory.get(octet) ^ 1));
            hashes.add(table.hash(slots.memory, 0));
            slots.memory.put(octet, (byte) (slots.memory.get(octet) ^ 1));
        }
        // And what is behind the key changes nothing.
        assertThat(hashes).hasSize(FlowLayout.KEY_SIZE + 1);
        assertThat(other.hash(slots.memory, 0)).isNotEqualTo(table.hash(slots.memory, 0));
    }

    private FlowTable table(int maxFlows, int segments) {
        return new FlowTable(
                maxFlows,
                1,
                1,
                size -> {
                    if (allocated.getAndIncrement() == segments) {
                        throw new OutOfMemoryError("Cannot reserve direct buffer memory");
                    }
                    return ByteBuffer.allocateDirect(size);
                });
    }

    private static Set<Integer> insert(FlowTable table, int from, int to) {
        Set<Integer> entries = new HashSet<>();
        for (int flow = from; flow < to; flow++) {
            Slots slots = slot(flow);
            entries.add(table.insert(slots.memory, 0, table.hash(slots.memory, 0)));
        }
        return entries;
    }

    private static int find(FlowTable table, int flow) {
        Slots slots = slot(flow);
        return table.find(slots.memory, 0, table.hash(slots.memory, 0));
    }

    private static Slots slot(int flow) {
        byte[] key = new byte[FlowLayout.KEY_SIZE];
        FlowLayout.INT.set(key, FlowLayout.SOURCE_ADDRESS + FlowLayout.MAPPED_IPV4, flow);
        return new Slots().add(key);
    }
}
