// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import com.fasterxml.jackson.core.JsonGenerator;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.IpAddress;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.FieldSpecifier;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.camel.Converter;

/**
 * Flows and Data Records as what other components work with. JSON is as in {@link FlowJson}.
 *
 * <p>A {@link FlowBatch} as a String is its short description, not JSON: Camel asks for the String
 * of every message that it traces or logs. Its JSON comes as {@code byte[]} or {@code InputStream}.
 */
@Converter(generateLoader = true)
public final class FlowConverters {

    private FlowConverters() {}

    /** A list of {@link Flow}, which reads out of the batch. */
    @Converter
    public static List<?> toList(FlowBatch batch) {
        return batch.asList();
    }

    /** Its number of flows, packets and octets, its observation domain, and its flows as maps. */
    @Converter
    public static Map<?, ?> toMap(FlowBatch batch) {
        return Map.of(
                "observationDomain",
                batch.observationDomain(),
                "packets",
                batch.packets(),
                "octets",
                batch.octets(),
                "flows",
                batch.asList().stream().map(FlowJson::map).toList());
    }

    /** A JSON array. */
    @Converter
    public static byte[] toJson(FlowBatch batch) {
        return FlowJson.array(batch);
    }

    /** A JSON array. */
    @Converter
    public static InputStream toStream(FlowBatch batch) {
        return new ByteArrayInputStream(FlowJson.array(batch));
    }

    @Converter
    public static Map<?, ?> toMap(Flow flow) {
        return FlowJson.map(flow);
    }

    /** A JSON object. */
    @Converter
    public static byte[] toJson(Flow flow) {
        return FlowJson.object(flow);
    }

    /** A JSON object. */
    @Converter
    public static String toString(Flow flow) {
        return new String(FlowJson.object(flow), StandardCharsets.UTF_8);
    }

    /** Element names and values; see {@link DataRecord} for their types. */
    @Converter
    public static Map<?, ?> toMap(DataRecord record) {
        return record.toMap();
    }

    /** A JSON object. */
    @Converter
    public static byte[] toJson(DataRecord record) {
        return FlowJson.write(
                json -> {
                    json.writeStartObject();
                    Map<String, Object> values = record.toMap();
                    for (FieldSpecifier field : record.template().fields()) {
                        Object value = values.remove(field.element().name());
                        if (value != null) {
                            json.writeFieldName(field.element().name());
                            write(json, field, value);
                        }
                    }
                    json.writeEndObject();
                });
    }

    private static void write(JsonGenerator json, FieldSpecifier field, Object value)
            throws IOException {
        if (value instanceof Instant time) {
            json.writeNumber(unit(field).between(Instant.EPOCH, time));
        } else if (value instanceof Long number) {
            json.writeNumber(number);
        } else if (value instanceof BigInteger number) {
            json.writeNumber(number);
        } else if (value instanceof Double number) {
            json.writeNumber(number);
        } else if (value instanceof Boolean truth) {
            json.writeBoolean(truth);
        } else if (value instanceof InetAddress address) {
            json.writeString(IpAddress.text(address));
        } else if (value instanceof byte[] octets) {
            json.writeString(HexFormat.of().formatHex(octets));
        } else {
            json.writeString(value.toString());
        }
    }

    private static ChronoUnit unit(FieldSpecifier field) {
        return switch (field.element().type()) {
            case DATE_TIME_SECONDS -> ChronoUnit.SECONDS;
            case DATE_TIME_MILLISECONDS -> ChronoUnit.MILLIS;
            case DATE_TIME_MICROSECONDS -> ChronoUnit.MICROS;
            default -> ChronoUnit.NANOS;
        };
    }
}
