// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.flow.IpAddress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/** A member of the JSON object of a flow: how it comes out of a flow record and into one. */
abstract class FlowMember {

    /** Puts a number into the record that begins there. */
    interface Setter {
        void set(byte[] records, int at, long value);
    }

    private static final Predicate<Flow> ALWAYS = flow -> true;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final String name;
    private final int field;
    private final Predicate<Flow> present;

    private FlowMember(String name, int field, Predicate<Flow> present) {
        this.name = name;
        this.field = field;
        this.present = present;
    }

    /** A number as it stands in the record. */
    static FlowMember number(String name, ToLongFunction<Flow> value, int field) {
        int size = size(field);
        long max = size == Long.BYTES ? Long.MAX_VALUE : (1L << 8 * size) - 1;
        return new Number(name, field, ALWAYS, value, max, setter(field, size));
    }

    /** A number that the record does not hold as it is. */
    static FlowMember number(
            String name, ToLongFunction<Flow> value, int field, long max, Setter setter) {
        return new Number(name, field, ALWAYS, value, max, setter);
    }

    /** A time in milliseconds since 1970-01-01 UTC. */
    static FlowMember millis(String name, ToLongFunction<Flow> nanos, int field) {
        return number(
                name,
                flow -> Math.floorDiv(nanos.applyAsLong(flow), NANOS_PER_MILLI),
                field,
                Long.MAX_VALUE / NANOS_PER_MILLI,
                (records, at, value) ->
                        FlowLayout.LONG.set(records, at + field, value * NANOS_PER_MILLI));
    }

    /**
     * An address.
     *
     * @param version 4 or 6 if it is the member of flows of that IP version only, else 0
     */
    static FlowMember address(String name, int field, int version) {
        return new Address(name, field, version);
    }

    /** This one, not larger than that. */
    FlowMember max(long max) {
        throw new UnsupportedOperationException(name + " is no number");
    }

    /** This one, of these flows only. */
    FlowMember when(Predicate<Flow> condition) {
        throw new UnsupportedOperationException(name + " is no number");
    }

    String name() {
        return name;
    }

    /** Where it stands in the record; see {@link FlowLayout}. */
    int field() {
        return field;
    }

    /** Whether it tells flows from each other. */
    boolean isOfKey() {
        return field < FlowLayout.KEY_SIZE;
    }

    boolean isPresent(Flow flow) {
        return present.test(flow);
    }

    abstract void write(JsonGenerator json, Flow flow) throws IOException;

    /** A Long or a String. */
    abstract Object value(Flow flow);

    /** What a column of its values is. */
    abstract Column.Type type();

    /** Its value as that of a column. */
    abstract byte[] octets(Flow flow);

    /**
     * Puts it into the record that begins there, unless the flow has that value already: what is
     * finer in the record than in JSON, such as times, stays as it is.
     *
     * @param flow the flow it was a member of, null if it is of a new one
     * @return the IP version that the flow has now by what was read, 0 if that says nothing new
     * @throws IllegalArgumentException saying what is wrong with the value
     */
    abstract int read(JsonNode value, Flow flow, byte[] records, int at);

    private static int size(int field) {
        return FlowLayout.MEMBERS.stream()
                .filter(m -> m.offset() == field && !m.name().equals("key"))
                .filter(m -> m.struct().equals("flow_key") == field < FlowLayout.KEY_SIZE)
                .findFirst()
                .orElseThrow()
                .size();
    }

    private static Setter setter(int field, int size) {
        if (field == FlowLayout.SOURCE_PORT || field == FlowLayout.DESTINATION_PORT) {
            return (records, at, value) -> FlowLayout.PORT.set(records, at + field, (short) value);
        }
        return switch (size) {
            case Byte.BYTES -> (records, at, value) -> records[at + field] = (byte) value;
            case Short.BYTES ->
                    (records, at, value) ->
                            FlowLayout.SHORT.set(records, at + field, (short) value);
            case Integer.BYTES ->
                    (records, at, value) -> FlowLayout.INT.set(records, at + field, (int) value);
            default -> (records, at, value) -> FlowLayout.LONG.set(records, at + field, value);
        };
    }

    private static final class Number extends FlowMember {
        private final ToLongFunction<Flow> value;
        private final long max;
        private final Setter setter;

        Number(
                String name,
                int field,
                Predicate<Flow> present,
                ToLongFunction<Flow> value,
                long max,
                Setter setter) {
            super(name, field, present);
            this.value = value;
            this.max = max;
            this.setter = setter;
        }

        @Override
        FlowMember max(long other) {
            return new Number(name(), field(), super.present, value, other, setter);
        }

        @Override
        FlowMember when(Predicate<Flow> condition) {
            return new Number(name(), field(), condition, value, max, setter);
        }

        @Override
        void write(JsonGenerator json, Flow flow) throws IOException {
            json.writeNumber(value.applyAsLong(flow));
        }

        @Override
        Object value(Flow flow) {
            return value.applyAsLong(flow);
        }

        @Override
        Column.Type type() {
            return Column.Type.UNSIGNED;
        }

        @Override
        byte[] octets(Flow flow) {
            return ByteBuffer.allocate(Long.BYTES).putLong(value.applyAsLong(flow)).array();
        }

        @Override
        int read(JsonNode json, Flow flow, byte[] records, int at) {
            long read = ColumnFormat.number(json, max);
            if (flow != null && read == value.applyAsLong(flow)) {
                return 0;
            }
            setter.set(records, at, read);
            return field() == FlowLayout.IP_VERSION ? (int) read : 0;
        }
    }

    private static final class Address extends FlowMember {
        private final int version;

        Address(String name, int field, int version) {
            super(name, field, version == 0 ? ALWAYS : flow -> flow.ipVersion() == version);
            this.version = version;
        }

        @Override
        void write(JsonGenerator json, Flow flow) throws IOException {
            json.writeString(value(flow));
        }

        @Override
        String value(Flow flow) {
            return IpAddress.text(octets(flow));
        }

        @Override
        Column.Type type() {
            return Column.Type.ADDRESS;
        }

        @Override
        byte[] octets(Flow flow) {
            int end = flow.index() * FlowLayout.SIZE + field() + 16;
            int size = flow.ipVersion() == 4 ? 4 : 16;
            return Arrays.copyOfRange(flow.batch().records(), end - size, end);
        }

        @Override
        int read(JsonNode json, Flow flow, byte[] records, int at) {
            byte[] address = ColumnFormat.address(json, version == 0 ? 0 : version == 4 ? 4 : 16);
            if (flow != null && Arrays.equals(address, octets(flow))) {
                return 0;
            }
            System.arraycopy(IpAddress.mapped(address), 0, records, at + field(), 16);
            return address.length == 4 ? 4 : 6;
        }
    }
}
