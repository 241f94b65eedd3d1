// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.IpAddress;
import io.linuxflow.ipfix.AbstractDataType;
import io.linuxflow.ipfix.ElementRegistry;
import io.linuxflow.ipfix.InformationElement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;

/**
 * What the values of a {@link Column} are, and how they come out of JSON and into it.
 *
 * @param type what the octets are
 * @param length how many octets a number or an address has; 0: any that are right
 */
record ColumnFormat(Column.Type type, int length) {

    static final ColumnFormat TEXT = new ColumnFormat(Column.Type.TEXT, 0);
    static final ColumnFormat JSON = new ColumnFormat(Column.Type.JSON, 0);

    private static final ObjectMapper MAPPER = new ObjectMapper();

    /**
     * That of the Information Element of this name; null if there is none, or none that a column
     * can hold: numbers with a sign or a fraction, truth values, lists.
     */
    static ColumnFormat ofElement(String name) {
        return ElementRegistry.iana()
                .byName(name)
                .filter(element -> element.name().equals(name))
                .map(InformationElement::type)
                .map(ColumnFormat::of)
                .orElse(null);
    }

    private static ColumnFormat of(AbstractDataType type) {
        return switch (type) {
            case UNSIGNED8,
                    UNSIGNED16,
                    UNSIGNED32,
                    UNSIGNED64,
                    DATE_TIME_SECONDS,
                    DATE_TIME_MILLISECONDS ->
                    new ColumnFormat(Column.Type.UNSIGNED, type.length());
            case IPV4_ADDRESS, IPV6_ADDRESS -> new ColumnFormat(Column.Type.ADDRESS, type.length());
            case STRING -> TEXT;
            default -> null;
        };
    }

    /** That of a column that is there already. */
    static ColumnFormat of(Column column) {
        ColumnFormat ofElement = ofElement(column.name());
        if (ofElement != null && ofElement.type == column.type()) {
            return ofElement;
        }
        int length = 0;
        for (int i = 0; i < column.size() && column.type() == Column.Type.UNSIGNED; i++) {
            length = column.value(i) == null ? length : column.value(i).length;
        }
        return new ColumnFormat(column.type(), length);
    }

    /**
     * The octets of a value.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    byte[] read(JsonNode json) {
        return switch (type) {
            case UNSIGNED -> unsigned(json, length == 0 ? Long.BYTES : length);
            case ADDRESS -> address(json, length);
            case TEXT -> text(json).getBytes(StandardCharsets.UTF_8);
            case JSON -> json.toString().getBytes(StandardCharsets.UTF_8);
        };
    }

    /** Writes the value of a flow, which must have one. */
    static void write(JsonGenerator json, Column column, int flow) throws IOException {
        byte[] value = column.value(flow);
        switch (column.type()) {
            case UNSIGNED -> {
                if (value.length == Long.BYTES && value[0] < 0) {
                    json.writeNumber(new BigInteger(1, value));
                } else {
                    json.writeNumber(number(value));
                }
            }
            case ADDRESS -> json.writeString(IpAddress.text(value));
            case TEXT -> json.writeUTF8String(value, 0, value.length);
            case JSON -> json.writeRawValue(new String(value, StandardCharsets.UTF_8));
        }
    }

    /** The value of a flow, which must have one, as what Java has for it. */
    static Object value(Column column, int flow) {
        byte[] value = column.value(flow);
        return switch (column.type()) {
            case UNSIGNED ->
                    value.length == Long.BYTES && value[0] < 0
                            ? new BigInteger(1, value)
                            : (Object) number(value);
            case ADDRESS -> IpAddress.text(value);
            case TEXT -> new String(value, StandardCharsets.UTF_8);
            case JSON -> parse(value);
        };
    }

    private static Object parse(byte[] json) {
        try {
            return MAPPER.readValue(json, Object.class);
        } catch (IOException e) {
            throw new UncheckedIOException("a column of JSON holds what is none", e);
        }
    }

    private static long number(byte[] octets) {
        long number = 0;
        for (byte octet : octets) {
            number = number << 8 | octet & 0xff;
        }
        return number;
    }

    private static byte[] unsigned(JsonNode json, int length) {
        BigInteger max = BigInteger.ONE.shiftLeft(8 * length).subtract(BigInteger.ONE);
        BigInteger number = number(json, max);
        byte[] octets = new byte[length];
        for (int i = 0; i < length; i++) {
            octets[i] = number.shiftRight(8 * (length - 1 - i)).byteValue();
        }
        return octets;
    }

    /** A whole number; 3.0 and 1e3 are such, too. */
    static long number(JsonNode json, long max) {
        if (json.isIntegralNumber() && json.canConvertToLong()) {
            long number = json.longValue();
            if (number >= 0 && number <= max) {
                return number;
            }
        }
        return number(json, BigInteger.valueOf(max)).longValue();
    }

    private static BigInteger number(JsonNode json, BigInteger max) {
        if (json.isNumber() && json.canConvertToExactIntegral()) {
            BigInteger number = json.bigIntegerValue();
            if (number.signum() >= 0 && number.compareTo(max) <= 0) {
                return number;
            }
        }
        throw new IllegalArgumentException(brief(json) + " is no whole number from 0 to " + max);
    }

    /** An address of so many octets, 0 for 4 or 16. */
    static byte[] address(JsonNode json, int length) {
        if (json.isTextual()) {
            try {
                byte[] address = IpAddress.parse(json.textValue());
                if (length == 0 || address.length == length) {
                    return address;
                }
            } catch (IllegalArgumentException e) {
                // Said below.
            }
        }
        throw new IllegalArgumentException(
                brief(json)
                        + (length == 0
                                ? " is no IP address"
                                : " is no IPv" + (length == 4 ? 4 : 6) + " address"));
    }

    private static String text(JsonNode json) {
        if (json.isTextual()) {
            return json.textValue();
        }
        throw new IllegalArgumentException(brief(json) + " is no text");
    }

    /** Enough of a value to find it by. */
    static String brief(JsonNode json) {
        String text = json.toString();
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }
}
