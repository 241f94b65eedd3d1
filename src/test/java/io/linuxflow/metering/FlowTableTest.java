// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.FlowLayout;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlowTableTest {

    /** References in an index that is new, and entries in a segment. */
    private static final int INDEX = 1024;

    private static final int SEGMENT = 8192;
    private static final int OCTETS_OF_INDEX = 8;
    private static final int OCTETS_OF_ENTRY = 128;

    private final AtomicInteger allocated = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();

    @Test
    void takesMemoryAsItIsNeeded() {
        FlowTable table = table(FlowTable.MAX_FLOWS, Integer.MAX_VALUE);
        assertThat(allocated).hasValue(INDEX * OCTETS_OF_INDEX);
        insert(table, 0, 1);
        int oneSegment = allocated.get();
        assertThat(oneSegment).isLessThan(2 * SEGMENT * OCTETS_OF_ENTRY);
        insert(table, 1, INDEX / 2);
        assertThat(allocated).hasValue(oneSegment);
        insert(table, INDEX / 2, INDEX / 2 + 1);
        assertThat(allocated).hasValue(oneSegment + 2 * INDEX * OCTETS_OF_INDEX);
    }

    /** The memory is short for a segment or for the index, whichever comes next. */
    @ParameterizedTest
    @ValueSource(ints = {100_000, 1_100_000, 1_300_000, 3_000_000, 3_200_000})
    void withoutMoreMemoryItKeepsToWhatItHas(int octets) {
        FlowTable table = table(FlowTable.MAX_FLOWS, octets);

        int flows = 0;
        while (!insert(table, flows, flows + 1).contains(FlowTable.NONE)) {
            flows++;
        }
        assertThat(allocated.get()).isLessThanOrEqualTo(octets);
        assertThat(table.size()).isEqualTo(flows);
        assertThat(refused).hasValue(1);
        for (int flow = 0; flow < flows; flow++) {
            assertThat(find(table, flow)).isNotEqualTo(FlowTable.NONE);
        }

        // It does not ask again, and uses what is freed.
        assertThat(insert(table, flows + 1, flows + 9)).containsOnly(FlowTable.NONE);
        assertThat(refused).hasValue(1);
        if (flows > 0) {
            table.remove(find(table, 0));
            assertThat(find(table, 0)).isEqualTo(FlowTable.NONE);
            assertThat(insert(table, flows, flows + 1)).doesNotContain(FlowTable.NONE);
            assertThat(insert(table, 0, 1)).containsOnly(FlowTable.NONE);
        }
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

    private FlowTable table(int maxFlows, int octets) {
        return new FlowTable(
                maxFlows,
                1,
                1,
                size -> {
                    if (allocated.get() + size > octets) {
                        refused.incrementAndGet();
                        throw new OutOfMemoryError("Cannot reserve direct buffer memory");
                    }
                    allocated.addAndGet(size);
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
