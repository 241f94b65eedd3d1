// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import com.fasterxml.jackson.core.JsonGenerator;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the flows of a batch as JSON objects: the members of the shape, and behind them the
 * columns of the batch. A column with the name of a member takes its place. What is not known of a
 * flow is left out.
 */
public final class FlowWriter {

    private final JsonShape shape;
    private final List<FlowMember> members;
    private final List<Column> columns;

    /** Writes flows of that batch, as the view of it that it is: with these columns. */
    public FlowWriter(JsonShape shape, FlowBatch batch) {
        this.shape = shape;
        columns = List.copyOf(batch.columns());
        members = columns.isEmpty() ? shape.members() : without(batch);
    }

    private List<FlowMember> without(FlowBatch batch) {
        return shape.members().stream()
                .filter(member -> batch.column(member.name()) == null)
                .toList();
    }

    /** Writes an object. */
    public void write(JsonGenerator json, Flow flow) throws IOException {
        json.writeStartObject();
        writeMembers(json, flow);
        json.writeEndObject();
    }

    /** Writes the members of an object. */
    void writeMembers(JsonGenerator json, Flow flow) throws IOException {
        for (FlowMember member : members) {
            if (member.isPresent(flow)) {
                json.writeFieldName(member.name());
                member.write(json, flow);
            }
        }
        for (Column column : columns) {
            if (column.value(flow.index()) != null) {
                json.writeFieldName(column.name());
                ColumnFormat.write(json, column, flow.index());
            }
        }
    }

    /** The object as a map: numbers as {@link Long}, text and addresses as {@link String}. */
    public Map<String, Object> map(Flow flow) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (FlowMember member : members) {
            if (member.isPresent(flow)) {
                map.put(member.name(), member.value(flow));
            }
        }
        for (Column column : columns) {
            if (column.value(flow.index()) != null) {
                map.put(column.name(), ColumnFormat.value(column, flow.index()));
            }
        }
        return map;
    }
}
