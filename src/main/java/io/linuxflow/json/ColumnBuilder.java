// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.linuxflow.flow.Column;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Collects the values of a column, flow by flow. */
final class ColumnBuilder {

    private final String name;

    /** The column of that name that was there before, or null. */
    private final Column before;

    private ColumnFormat format;

    /** Whether text may give way to JSON, since nothing says what the values are. */
    private final boolean free;

    private byte[][] values = new byte[16][];
    private byte[] last;

    /** A new column. */
    ColumnBuilder(String name) {
        this.name = name;
        before = null;
        ColumnFormat ofElement = ColumnFormat.ofElement(name);
        free = ofElement == null;
        format = free ? ColumnFormat.TEXT : ofElement;
    }

    /** New values for that column. */
    ColumnBuilder(Column before) {
        name = before.name();
        this.before = before;
        format = ColumnFormat.of(before);
        free = ColumnFormat.ofElement(name) == null && before.type() == Column.Type.TEXT;
    }

    /**
     * Sets the value of a flow.
     *
     * @param origin the flow in the column that was there before, -1 for none
     * @throws IllegalArgumentException saying what is wrong with the value
     */
    void set(int flow, JsonNode value, int origin) {
        if (flow >= values.length) {
            values = Arrays.copyOf(values, Math.max(flow + 1, 2 * values.length));
        }
        if (free && format.type() == Column.Type.TEXT && !value.isTextual()) {
            turnToJson();
        }
        byte[] octets = format.read(value);
        boolean hadOne = before != null && before.type() == format.type() && origin >= 0;
        if (hadOne && same(octets, before.value(origin))) {
            octets = before.value(origin);
        } else if (same(octets, last)) {
            // Many flows have the same value; one array will do.
            octets = last;
        }
        values[flow] = last = octets;
    }

    private void turnToJson() {
        format = ColumnFormat.JSON;
        for (int i = 0; i < values.length; i++) {
            if (values[i] != null) {
                values[i] =
                        format.read(
                                TextNode.valueOf(new String(values[i], StandardCharsets.UTF_8)));
            }
        }
        last = null;
    }

    private static boolean same(byte[] one, byte[] other) {
        return other != null && Arrays.equals(one, other);
    }

    /**
     * The column.
     *
     * @param size how many flows there are
     * @param sameFlows whether they are those of the column that was there before
     */
    Column build(int size, boolean sameFlows) {
        values = Arrays.copyOf(values, size);
        return sameFlows && before != null && isAsBefore()
                ? before
                : new Column(name, format.type(), values);
    }

    private boolean isAsBefore() {
        for (int i = 0; i < values.length; i++) {
            if (values[i] != before.value(i)) {
                return false;
            }
        }
        return true;
    }
}
