// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.AbstractDataType;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Batches with columns, as enrichments would add them. */
final class Enriched {

    private Enriched() {}

    /** With all columns that enrichments add, of values that come out of the flow. */
    static FlowBatch everyColumn(FlowBatch batch) {
        List<Column> columns = new ArrayList<>();
        for (String name : ColumnSource.known()) {
            columns.add(column(name, batch, flow -> value(name, flow)));
        }
        return batch.with(columns);
    }

    /** A column of the type that its element has. */
    static Column column(String name, FlowBatch batch, Function<Flow, byte[]> value) {
        byte[][] values =
                batch.asList().stream().map(flow -> value.apply(flow)).toArray(byte[][]::new);
        return new Column(name, type(name), values);
    }

    /** The batch with one more column of texts, the same for all flows. */
    static FlowBatch text(FlowBatch batch, String name, String text) {
        byte[][] values = new byte[batch.size()][];
        Arrays.fill(values, text == null ? null : text.getBytes(StandardCharsets.UTF_8));
        return batch.with(List.of(new Column(name, Column.Type.TEXT, values)));
    }

    /** What {@link #everyColumn} says of a flow, as a Collecting Process should read it. */
    static Object read(String name, Flow flow) {
        byte[] value = value(name, flow);
        AbstractDataType type = ColumnSource.of(name).type();
        switch (type(name)) {
            case UNSIGNED:
                long number = 0;
                for (int i = 0; value != null && i < value.length; i++) {
                    number = number << 8 | value[i] & 0xff;
                }
                return number;
            case ADDRESS:
                return address(value == null ? new byte[type.length()] : value);
            default:
                return value == null ? "" : new String(value, StandardCharsets.UTF_8);
        }
    }

    private static Column.Type type(String name) {
        return switch (ColumnSource.of(name).type()) {
            case STRING -> Column.Type.TEXT;
            case IPV4_ADDRESS, IPV6_ADDRESS -> Column.Type.ADDRESS;
            default -> Column.Type.UNSIGNED;
        };
    }

    /** Null for one flow in four; texts of up to 300 octets, in characters of two. */
    private static byte[] value(String name, Flow flow) {
        int seed = Long.hashCode(flow.octetDeltaCount()) ^ name.hashCode();
        if ((seed & 3) == 0) {
            return null;
        }
        int length = ColumnSource.of(name).type().length();
        if (type(name) == Column.Type.TEXT) {
            return "\u00e4".repeat(Math.floorMod(seed, 151)).getBytes(StandardCharsets.UTF_8);
        }
        byte[] value = new byte[length];
        for (int i = 0; i < length; i++) {
            value[i] = (byte) (seed >> i % 4 * 8);
        }
        return value;
    }

    private static InetAddress address(byte[] octets) {
        try {
            return octets.length == 16
                    ? Inet6Address.getByAddress(null, octets, -1)
                    : InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
