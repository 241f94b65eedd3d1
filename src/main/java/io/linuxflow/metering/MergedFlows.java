// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static io.linuxflow.flow.FlowLayout.KEY_SIZE;
import static io.linuxflow.flow.FlowLayout.SIZE;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Flows that are meant, one record each, and where their counts are. */
final class MergedFlows {

    static final int KERNEL = 1;
    static final int CACHE = 2;

    private static final byte[][] PLACES = {
        null, text("kernel"), text("cache"), text("both"),
    };

    private final FlowFilter which;
    private final WallClock now;
    private final Map<ByteBuffer, Integer> offsets = new HashMap<>();
    private ByteBuffer records = memory(64 * SIZE);
    private byte[] places = new byte[64];
    private int size;

    /**
     * @param now what makes times nanoseconds since 1970 UTC; null leaves them as they are
     */
    MergedFlows(FlowFilter which, WallClock now) {
        this.which = which;
        this.now = now;
    }

    private static ByteBuffer memory(int octets) {
        return ByteBuffer.allocate(octets).order(ByteOrder.nativeOrder());
    }

    private static byte[] text(String place) {
        return place.getBytes(StandardCharsets.UTF_8);
    }

    int size() {
        return size;
    }

    /**
     * Adds records, to those of the same flows if there are any.
     *
     * @param more nothing but records
     * @param place where they are from
     */
    void add(ByteBuffer more, int place) {
        for (int at = 0; at < more.limit(); at += SIZE) {
            if (which.matches(more, at)) {
                add(more, at, place);
            }
        }
    }

    private void add(ByteBuffer more, int at, int place) {
        Integer known = offsets.putIfAbsent(more.slice(at, KEY_SIZE), size * SIZE);
        if (known != null) {
            if (now != null) {
                now.convert(more, at);
            }
            FlowRecords.merge(records, known, more, at);
            places[known / SIZE] |= (byte) place;
            return;
        }
        if (size == places.length) {
            places = Arrays.copyOf(places, 2 * size);
            records = memory(2 * size * SIZE).put(records.clear()).clear();
        }
        records.put(size * SIZE, more, at, SIZE);
        if (now != null) {
            now.convert(records, size * SIZE);
        }
        places[size++] = (byte) place;
    }

    /** The flows, with the column {@link UnexportedFlows#PLACE}. */
    FlowBatch batch() {
        byte[][] texts = new byte[size][];
        Arrays.setAll(texts, flow -> PLACES[places[flow]]);
        return new FlowBatch(records.array(), size, 0)
                .with(List.of(new Column(UnexportedFlows.PLACE, Column.Type.TEXT, texts)));
    }
}
