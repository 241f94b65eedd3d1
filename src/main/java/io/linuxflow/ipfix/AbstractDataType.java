// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The Abstract Data Types of RFC 7012, section 3.1, and RFC 6313, section 4.1: their lengths and
 * their encodings (RFC 7011, section 6).
 */
public enum AbstractDataType {
    OCTET_ARRAY("octetArray", Lengths.ANY, AbstractDataType::octets),
    UNSIGNED8("unsigned8", Lengths.REDUCIBLE, 1, AbstractDataType::unsigned),
    UNSIGNED16("unsigned16", Lengths.REDUCIBLE, 2, AbstractDataType::unsigned),
    UNSIGNED32("unsigned32", Lengths.REDUCIBLE, 4, AbstractDataType::unsigned),
    UNSIGNED64("unsigned64", Lengths.REDUCIBLE, 8, AbstractDataType::unsigned),
    SIGNED8("signed8", Lengths.REDUCIBLE, 1, AbstractDataType::signed),
    SIGNED16("signed16", Lengths.REDUCIBLE, 2, AbstractDataType::signed),
    SIGNED32("signed32", Lengths.REDUCIBLE, 4, AbstractDataType::signed),
    SIGNED64("signed64", Lengths.REDUCIBLE, 8, AbstractDataType::signed),
    FLOAT32("float32", Lengths.FIXED, 4, AbstractDataType::floatingPoint),
    FLOAT64("float64", Lengths.FLOAT, 8, AbstractDataType::floatingPoint),
    BOOLEAN("boolean", Lengths.FIXED, 1, AbstractDataType::truth),
    MAC_ADDRESS("macAddress", Lengths.FIXED, 6, AbstractDataType::mac),
    STRING("string", Lengths.ANY, AbstractDataType::text),
    DATE_TIME_SECONDS("dateTimeSeconds", Lengths.FIXED, 4, AbstractDataType::seconds),
    DATE_TIME_MILLISECONDS(
            "dateTimeMilliseconds", Lengths.FIXED, 8, AbstractDataType::milliseconds),
    DATE_TIME_MICROSECONDS(
            "dateTimeMicroseconds", Lengths.FIXED, 8, AbstractDataType::microseconds),
    DATE_TIME_NANOSECONDS("dateTimeNanoseconds", Lengths.FIXED, 8, AbstractDataType::nanoseconds),
    IPV4_ADDRESS("ipv4Address", Lengths.FIXED, 4, AbstractDataType::ipv4),
    IPV6_ADDRESS("ipv6Address", Lengths.FIXED, 16, AbstractDataType::ipv6),
    BASIC_LIST("basicList", Lengths.ANY, AbstractDataType::octets),
    SUB_TEMPLATE_LIST("subTemplateList", Lengths.ANY, AbstractDataType::octets),
    SUB_TEMPLATE_MULTI_LIST("subTemplateMultiList", Lengths.ANY, AbstractDataType::octets);

    private enum Lengths {
        FIXED,
        /** Reduced-size encoding (RFC 7011, section 6.2): any length up to the full one. */
        REDUCIBLE,
        /** A float64 may be sent as a float32. */
        FLOAT,
        ANY
    }

    /** Reads the octets {@code [from, to)} as one value. */
    private interface Decoder {
        Object decode(byte[] octets, int from, int to);
    }

    private static final Map<String, AbstractDataType> BY_NAME = new HashMap<>();

    static {
        for (AbstractDataType type : values()) {
            BY_NAME.put(type.registeredName, type);
        }
    }

    private final String registeredName;
    private final Lengths lengths;
    private final int length;
    private final Decoder decoder;

    AbstractDataType(String registeredName, Lengths lengths, int length, Decoder decoder) {
        this.registeredName = registeredName;
        this.lengths = lengths;
        this.length = length;
        this.decoder = decoder;
    }

    AbstractDataType(String registeredName, Lengths lengths, Decoder decoder) {
        this(registeredName, lengths, FieldSpecifier.VARIABLE_LENGTH, decoder);
    }

    /**
     * The type of that name in IANA's registry, such as {@code unsigned64}.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static AbstractDataType of(String registeredName) {
        AbstractDataType type = BY_NAME.get(registeredName);
        if (type == null) {
            throw new IllegalArgumentException(
                    "no Abstract Data Type is called " + registeredName + " (RFC 7012, 3.1)");
        }
        return type;
    }

    /** Octets of the full encoding, or {@link FieldSpecifier#VARIABLE_LENGTH}. */
    public int length() {
        return length;
    }

    /**
     * Whether a field of this type may have that length in a Template. No field may be empty by its
     * Template: a record of such fields would have no end.
     */
    public boolean allows(int fieldLength) {
        return switch (lengths) {
            case FIXED -> fieldLength == length;
            case REDUCIBLE -> fieldLength >= 1 && fieldLength <= length;
            case FLOAT -> fieldLength == length || fieldLength == Float.BYTES;
            case ANY -> fieldLength >= 1 && fieldLength <= FieldSpecifier.VARIABLE_LENGTH;
        };
    }

    /**
     * What a field of this type and that length can be read as: exporters send integers longer than
     * they are registered, and types change in the registry. Octets, if it makes no sense at all.
     */
    AbstractDataType forLength(int fieldLength) {
        if (allows(fieldLength)) {
            return this;
        }
        AbstractDataType wider =
                switch (this) {
                    case UNSIGNED8, UNSIGNED16, UNSIGNED32 -> UNSIGNED64;
                    case SIGNED8, SIGNED16, SIGNED32 -> SIGNED64;
                    default -> OCTET_ARRAY;
                };
        return wider.allows(fieldLength) ? wider : OCTET_ARRAY;
    }

    /**
     * The value of an encoded field: {@link Long} or, beyond its range, {@link BigInteger} for
     * integers; {@link Double}, {@link Boolean}, {@link InetAddress}, {@link Instant}, {@link
     * String} (of a MAC address too), and {@code byte[]} for octetArray and the lists of RFC 6313.
     *
     * @throws IllegalArgumentException if the octets are no value of this type
     */
    Object decode(byte[] octets, int from, int to) {
        return decoder.decode(octets, from, to);
    }

    /** The name in IANA's registry. */
    @Override
    public String toString() {
        return registeredName;
    }

    private static Object octets(byte[] octets, int from, int to) {
        return Arrays.copyOfRange(octets, from, to);
    }

    private static long bits(byte[] octets, int from, int to) {
        long bits = 0;
        for (int at = from; at < to; at++) {
            bits = bits << 8 | octets[at] & 0xff;
        }
        return bits;
    }

    private static Object unsigned(byte[] octets, int from, int to) {
        long bits = bits(octets, from, to);
        if (bits < 0) {
            return new BigInteger(1, Arrays.copyOfRange(octets, from, to));
        }
        return bits;
    }

    private static Object signed(byte[] octets, int from, int to) {
        int unused = Long.SIZE - 8 * (to - from);
        return bits(octets, from, to) << unused >> unused;
    }

    private static Object floatingPoint(byte[] octets, int from, int to) {
        long bits = bits(octets, from, to);
        return to - from == Float.BYTES
                ? (double) Float.intBitsToFloat((int) bits)
                : Double.longBitsToDouble(bits);
    }

    /** RFC 7011, section 6.1.5: 1 is true, 2 is false. */
    private static Object truth(byte[] octets, int from, int to) {
        return switch (octets[from]) {
            case 1 -> true;
            case 2 -> false;
            default ->
                    throw new IllegalArgumentException(
                            (octets[from] & 0xff)
                                    + " is no boolean: 1 is true, 2 is false (RFC 7011, 6.1.5)");
        };
    }

    private static Object mac(byte[] octets, int from, int to) {
        StringBuilder text = new StringBuilder(17);
        for (int at = from; at < to; at++) {
            if (at > from) {
                text.append(':');
            }
            text.append(Character.forDigit(octets[at] >> 4 & 0xf, 16));
            text.append(Character.forDigit(octets[at] & 0xf, 16));
        }
        return text.toString();
    }

    /** Fixed-length strings are often filled up with NUL, which is no part of the text. */
    private static Object text(byte[] octets, int from, int to) {
        int end = to;
        while (end > from && octets[end - 1] == 0) {
            end--;
        }
        return new String(octets, from, end - from, StandardCharsets.UTF_8);
    }

    private static Object seconds(byte[] octets, int from, int to) {
        return Instant.ofEpochSecond(bits(octets, from, to));
    }

    private static Object milliseconds(byte[] octets, int from, int to) {
        return Instant.ofEpochMilli(bits(octets, from, to));
    }

    private static Object microseconds(byte[] octets, int from, int to) {
        return NtpTimestamp.microseconds(bits(octets, from, to));
    }

    private static Object nanoseconds(byte[] octets, int from, int to) {
        return NtpTimestamp.nanoseconds(bits(octets, from, to));
    }

    private static Object ipv4(byte[] octets, int from, int to) {
        try {
            return InetAddress.getByAddress(Arrays.copyOfRange(octets, from, to));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** Stays an IPv6 address when it is IPv4-mapped. */
    private static Object ipv6(byte[] octets, int from, int to) {
        try {
            return Inet6Address.getByAddress(null, Arrays.copyOfRange(octets, from, to), -1);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
