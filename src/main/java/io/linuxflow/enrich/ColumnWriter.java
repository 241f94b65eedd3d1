// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.Column;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/** A column in the making. */
final class ColumnWriter {

    private final String name;
    private final Column.Type type;
    private final int flows;

    /** Null as long as no flow has a value: most batches have none for some of the names. */
    private byte[][] values;

    /**
     * @param flows the number of flows in the batch
     */
    ColumnWriter(String name, Column.Type type, int flows) {
        this.name = name;
        this.type = type;
        this.flows = flows;
    }

    /** Sets the value of a flow; null leaves it without one. */
    void set(int flow, byte[] value) {
        if (value != null) {
            if (values == null) {
                values = new byte[flows][];
            }
            values[flow] = value;
        }
    }

    /** The column, be it an empty one. */
    private Column column() {
        return values == null ? Column.empty(name, type, flows) : new Column(name, type, values);
    }

    static List<Column> columns(ColumnWriter... writers) {
        return Stream.of(writers).map(ColumnWriter::column).toList();
    }

    /** The octets of a text, null if it is empty. */
    static byte[] text(String text) {
        return text.isEmpty() ? null : text.getBytes(StandardCharsets.UTF_8);
    }
}
