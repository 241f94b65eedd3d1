// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.ipfix.AbstractDataType;
import io.linuxflow.ipfix.FieldSpecifier;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Locale;

/** Values of Information Elements as people write them. */
final class ElementText {

    private ElementText() {}

    /**
     * The value, as {@link AbstractDataType#encode} takes it.
     *
     * @throws IllegalArgumentException saying how it is to be written
     */
    static Object parse(FieldSpecifier field, String text) {
        AbstractDataType type = field.element().type();
        return switch (type) {
            case UNSIGNED8,
                    UNSIGNED16,
                    UNSIGNED32,
                    UNSIGNED64,
                    SIGNED8,
                    SIGNED16,
                    SIGNED32,
                    SIGNED64 ->
                    integer(text);
            case FLOAT32, FLOAT64 -> floatingPoint(text);
            case BOOLEAN -> truth(text);
            case STRING, MAC_ADDRESS -> text;
            case DATE_TIME_SECONDS -> time(text, ChronoUnit.SECONDS);
            case DATE_TIME_MILLISECONDS -> time(text, ChronoUnit.MILLIS);
            case DATE_TIME_MICROSECONDS -> time(text, ChronoUnit.MICROS);
            case DATE_TIME_NANOSECONDS -> time(text, ChronoUnit.NANOS);
            case IPV4_ADDRESS -> ipv4(text);
            case IPV6_ADDRESS -> ipv6(text);
            case OCTET_ARRAY -> octets(text);
            case BASIC_LIST, SUB_TEMPLATE_LIST, SUB_TEMPLATE_MULTI_LIST ->
                    throw new IllegalArgumentException("is a list, which can't be written here");
        };
    }

    private static boolean isInteger(String text) {
        return text.matches("[-+]?(0x[0-9A-Fa-f]+|[0-9]+)");
    }

    private static BigInteger integer(String text) {
        if (!isInteger(text)) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no whole number, as 22 or 0x16 are");
        }
        int sign = text.startsWith("-") ? -1 : 1;
        String digits = text.replaceFirst("^[-+]", "");
        BigInteger number =
                digits.startsWith("0x")
                        ? new BigInteger(digits.substring(2), 16)
                        : new BigInteger(digits);
        return sign < 0 ? number.negate() : number;
    }

    private static Double floatingPoint(String text) {
        try {
            return Double.valueOf(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "' is no number", e);
        }
    }

    private static Boolean truth(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default ->
                    throw new IllegalArgumentException("'" + text + "' is neither true nor false");
        };
    }

    /**
     * @param unit what a number counts, from 1970 UTC on
     */
    private static Instant time(String text, ChronoUnit unit) {
        try {
            return isInteger(text)
                    ? Instant.EPOCH.plus(integer(text).longValueExact(), unit)
                    : OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeException | ArithmeticException e) {
            throw new IllegalArgumentException(
                    "'"
                            + text
                            + "' is no time: give it as 2026-11-24T15:00:00Z, or as a number of "
                            + unit.toString().toLowerCase(Locale.ROOT)
                            + " since 1970",
                    e);
        }
    }

    private static InetAddress ipv4(String text) {
        try {
            if (text.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}")) {
                return InetAddress.getByName(text);
            }
            if (isInteger(text) && integer(text).signum() >= 0 && integer(text).bitLength() <= 32) {
                int bits = integer(text).intValue();
                return InetAddress.getByAddress(
                        new byte[] {
                            (byte) (bits >> 24),
                            (byte) (bits >> 16),
                            (byte) (bits >> 8),
                            (byte) bits
                        });
            }
        } catch (UnknownHostException e) {
            // Said below.
        }
        throw new IllegalArgumentException(
                "'" + text + "' is no IPv4 address, as 10.1.0.1 or 0x0a010001 are");
    }

    private static InetAddress ipv6(String text) {
        try {
            if (text.matches("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")) {
                byte[] octets = InetAddress.getByName(text).getAddress();
                byte[] mapped = new byte[16];
                if (octets.length == 4) {
                    mapped[10] = mapped[11] = (byte) 0xff;
                }
                System.arraycopy(octets, 0, mapped, 16 - octets.length, octets.length);
                return Inet6Address.getByAddress(null, mapped, -1);
            }
        } catch (UnknownHostException e) {
            // Said below.
        }
        throw new IllegalArgumentException("'" + text + "' is no IPv6 address, as 2001:db8::1 is");
    }

    private static byte[] octets(String text) {
        if (!text.matches("0x([0-9A-Fa-f]{2})+")) {
            throw new IllegalArgumentException("'" + text + "' are no octets, as 0x00ff are");
        }
        return HexFormat.of().parseHex(text.substring(2));
    }
}
