// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/**
 * The Abstract Data Types of RFC 7012, section 3.1, and RFC 6313, section 4.1: their lengths and
 * their encodings (RFC 7011, section 6).
 */
public enum AbstractDataType {
    OCTET_ARRAY("octetArray", Lengths.ANY, AbstractDataType::octets, AbstractDataType::putOctets),
    UNSIGNED8(
            "unsigned8",
            Lengths.REDUCIBLE,
            1,
            AbstractDataType::unsigned,
            AbstractDataType::putUnsigned),
    UNSIGNED16(
            "unsigned16",
            Lengths.REDUCIBLE,
            2,
            AbstractDataType::unsigned,
            AbstractDataType::putUnsigned),
    UNSIGNED32(
            "unsigned32",
            Lengths.REDUCIBLE,
            4,
            AbstractDataType::unsigned,
            AbstractDataType::putUnsigned),
    UNSIGNED64(
            "unsigned64",
            Lengths.REDUCIBLE,
            8,
            AbstractDataType::unsigned,
            AbstractDataType::putUnsigned),
    SIGNED8("signed8", Lengths.REDUCIBLE, 1, AbstractDataType::signed, AbstractDataType::putSigned),
    SIGNED16(
            "signed16",
            Lengths.REDUCIBLE,
            2,
            AbstractDataType::signed,
            AbstractDataType::putSigned),
    SIGNED32(
            "signed32",
            Lengths.REDUCIBLE,
            4,
            AbstractDataType::signed,
            AbstractDataType::putSigned),
    SIGNED64(
            "signed64",
            Lengths.REDUCIBLE,
            8,
            AbstractDataType::signed,
            AbstractDataType::putSigned),
    FLOAT32(
            "float32",
            Lengths.FIXED,
            4,
            AbstractDataType::floatingPoint,
            AbstractDataType::putFloatingPoint),
    FLOAT64(
            "float64",
            Lengths.FLOAT,
            8,
            AbstractDataType::floatingPoint,
            AbstractDataType::putFloatingPoint),
    BOOLEAN("boolean", Lengths.FIXED, 1, AbstractDataType::truth, AbstractDataType::putTruth),
    MAC_ADDRESS("macAddress", Lengths.FIXED, 6, AbstractDataType::mac, AbstractDataType::putMac),
    STRING("string", Lengths.ANY, AbstractDataType::text, AbstractDataType::putText),
    DATE_TIME_SECONDS(
            "dateTimeSeconds",
            Lengths.FIXED,
            4,
            AbstractDataType::seconds,
            AbstractDataType::putSeconds),
    DATE_TIME_MILLISECONDS(
            "dateTimeMilliseconds",
            Lengths.FIXED,
            8,
            AbstractDataType::milliseconds,
            AbstractDataType::putMilliseconds),
    DATE_TIME_MICROSECONDS(
            "dateTimeMicroseconds",
            Lengths.FIXED,
            8,
            AbstractDataType::microseconds,
            AbstractDataType::putMicroseconds),
    DATE_TIME_NANOSECONDS(
            "dateTimeNanoseconds",
            Lengths.FIXED,
            8,
            AbstractDataType::nanoseconds,
            AbstractDataType::putNanoseconds),
    IPV4_ADDRESS(
            "ipv4Address", Lengths.FIXED, 4, AbstractDataType::ipv4, AbstractDataType::putIpv4),
    IPV6_ADDRESS(
            "ipv6Address", Lengths.FIXED, 16, AbstractDataType::ipv6, AbstractDataType::putIpv6),
    BASIC_LIST("basicList", Lengths.ANY, AbstractDataType::octets, AbstractDataType::putOctets),
    SUB_TEMPLATE_LIST(
            "subTemplateList", Lengths.ANY, AbstractDataType::octets, AbstractDataType::putOctets),
    SUB_TEMPLATE_MULTI_LIST(
            "subTemplateMultiList",
            Lengths.ANY,
            AbstractDataType::octets,
            AbstractDataType::putOctets);

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

    /** The octets of a value in a field of that length. */
    private interface Encoder {
        byte[] encode(Object value, int fieldLength);
    }

    /** 2104-02-26T09:42:24Z, where the NTP format of these times ends (RFC 4330, section 3). */
    private static final long MAX_NANOS_SECONDS = (3L << 31) - 2_208_988_800L - 1;

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
    private final Encoder encoder;

    AbstractDataType(
            String registeredName, Lengths lengths, int length, Decoder decoder, Encoder encoder) {
        this.registeredName = registeredName;
        this.lengths = lengths;
        this.length = length;
        this.decoder = decoder;
        this.encoder = encoder;
    }

    AbstractDataType(String registeredName, Lengths lengths, Decoder decoder, Encoder encoder) {
        this(registeredName, lengths, FieldSpecifier.VARIABLE_LENGTH, decoder, encoder);
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

    /**
     * The octets of a value, the inverse of {@link #decode}: the same Java types, and {@link
     * Integer} and {@link BigInteger} for all integers.
     *
     * @param fieldLength as the Template has it; {@link FieldSpecifier#VARIABLE_LENGTH} gives as
     *     many octets as the value takes, without the length that goes before them (RFC 7011,
     *     section 7). Shorter texts and octets are filled up with NUL
     * @throws IllegalArgumentException if it is no value of this type, or does not fit
     */
    public byte[] encode(Object value, int fieldLength) {
        if (!allows(fieldLength)) {
            throw new IllegalArgumentException(this + " can't have length " + fieldLength);
        }
        return encoder.encode(value, fieldLength);
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

    private static byte[] putOctets(Object value, int length) {
        return filled(as(byte[].class, value), length);
    }

    private static byte[] filled(byte[] octets, int length) {
        if (octets.length > length) {
            throw new IllegalArgumentException(
                    octets.length + " octets don't fit into a field of " + length);
        }
        return length == FieldSpecifier.VARIABLE_LENGTH ? octets : Arrays.copyOf(octets, length);
    }

    private static byte[] putUnsigned(Object value, int length) {
        BigInteger number = integer(value);
        if (number.signum() < 0 || number.bitLength() > 8 * length) {
            throw outOfRange(number, BigInteger.ZERO, BigInteger.ONE.shiftLeft(8 * length));
        }
        return bits(number.longValue(), length);
    }

    private static byte[] putSigned(Object value, int length) {
        BigInteger number = integer(value);
        if (number.bitLength() > 8 * length - 1) {
            BigInteger end = BigInteger.ONE.shiftLeft(8 * length - 1);
            throw outOfRange(number, end.negate(), end);
        }
        return bits(number.longValue(), length);
    }

    private static BigInteger integer(Object value) {
        return value instanceof Long || value instanceof Integer
                ? BigInteger.valueOf(((Number) value).longValue())
                : as(BigInteger.class, value);
    }

    private static IllegalArgumentException outOfRange(
            BigInteger number, BigInteger from, BigInteger end) {
        return new IllegalArgumentException(
                number + " is out of range: " + from + " to " + end.subtract(BigInteger.ONE));
    }

    private static byte[] bits(long bits, int length) {
        byte[] octets = new byte[length];
        for (int at = length - 1; at >= 0; at--, bits >>= 8) {
            octets[at] = (byte) bits;
        }
        return octets;
    }

    private static byte[] putFloatingPoint(Object value, int length) {
        double number = as(Double.class, value);
        return length == Float.BYTES
                ? bits(Float.floatToRawIntBits((float) number), length)
                : bits(Double.doubleToRawLongBits(number), length);
    }

    private static byte[] putTruth(Object value, int length) {
        return new byte[] {(byte) (as(Boolean.class, value) ? 1 : 2)};
    }

    private static byte[] putMac(Object value, int length) {
        String text = as(String.class, value);
        if (!text.matches("[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no MAC address, as 02:00:5e:00:53:01 is");
        }
        return HexFormat.of().parseHex(text.replaceAll("[:-]", ""));
    }

    private static byte[] putText(Object value, int length) {
        return filled(as(String.class, value).getBytes(StandardCharsets.UTF_8), length);
    }

    private static byte[] putSeconds(Object value, int length) {
        return putUnsigned(as(Instant.class, value).getEpochSecond(), length);
    }

    private static byte[] putMilliseconds(Object value, int length) {
        return putUnsigned(as(Instant.class, value).toEpochMilli(), length);
    }

    private static byte[] putMicroseconds(Object value, int length) {
        return bits(NtpTimestamp.ofMicroseconds(epochNanos(value)), length);
    }

    private static byte[] putNanoseconds(Object value, int length) {
        return bits(NtpTimestamp.ofNanoseconds(epochNanos(value)), length);
    }

    private static long epochNanos(Object value) {
        Instant time = as(Instant.class, value);
        if (time.getEpochSecond() < 0 || time.getEpochSecond() > MAX_NANOS_SECONDS) {
            throw new IllegalArgumentException(time + " is out of range: 1970 to 2104");
        }
        return time.getEpochSecond() * 1_000_000_000 + time.getNano();
    }

    private static byte[] putIpv4(Object value, int length) {
        return as(Inet4Address.class, value).getAddress();
    }

    private static byte[] putIpv6(Object value, int length) {
        return as(Inet6Address.class, value).getAddress();
    }

    private static <T> T as(Class<T> type, Object value) {
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException(
                    (value == null ? "nothing" : value.getClass().getSimpleName() + " " + value)
                            + " is no "
                            + type.getSimpleName());
        }
        return type.cast(value);
    }
}
