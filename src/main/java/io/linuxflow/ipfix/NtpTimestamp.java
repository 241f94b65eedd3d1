// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.time.Instant;

/**
 * The NTP Timestamp format of dateTimeMicroseconds and dateTimeNanoseconds (RFC 7011, sections
 * 6.1.9 and 6.1.10; RFC 5905, section 6): 32 bits of seconds since 1900-01-01 UTC and 32 bits of
 * fraction.
 *
 * <p>The seconds wrap in 2036. A set highest bit means 1968 to 2036, a clear one 2036 to 2104 (RFC
 * 4330, section 3).
 *
 * <p>Fractions are rounded up here, so that a reader gets the very microsecond or nanosecond back,
 * whether it rounds or cuts off.
 */
public final class NtpTimestamp {

    /** Seconds from 1900-01-01 to 1970-01-01. */
    private static final long UNIX_EPOCH = 2_208_988_800L;

    private static final long ERA_1 = 1L << 32;
    private static final long HIGHEST_SECOND = 1L << 31;
    private static final long NANOS = 1_000_000_000L;
    private static final long MICROS = 1_000_000L;

    /** The lowest 11 bits of a dateTimeMicroseconds are zero. */
    private static final int UNUSED_BITS = 11;

    private NtpTimestamp() {}

    /**
     * A dateTimeNanoseconds.
     *
     * @param epochNanos nanoseconds since 1970-01-01 UTC, not negative
     */
    public static long ofNanoseconds(long epochNanos) {
        long seconds = epochNanos / NANOS;
        long fraction = ((epochNanos - seconds * NANOS << 32) + NANOS - 1) / NANOS;
        return seconds + UNIX_EPOCH << 32 | fraction;
    }

    /**
     * A dateTimeMicroseconds; parts of a microsecond are cut off.
     *
     * @param epochNanos nanoseconds since 1970-01-01 UTC, not negative
     */
    public static long ofMicroseconds(long epochNanos) {
        long seconds = epochNanos / NANOS;
        long micros = (epochNanos - seconds * NANOS) / 1000;
        long fraction = ((micros << 32 - UNUSED_BITS) + MICROS - 1) / MICROS;
        return seconds + UNIX_EPOCH << 32 | fraction << UNUSED_BITS;
    }

    /** The moment that a dateTimeNanoseconds means. */
    static Instant nanoseconds(long timestamp) {
        return Instant.ofEpochSecond(seconds(timestamp), (timestamp & 0xffff_ffffL) * NANOS >>> 32);
    }

    /** The moment that a dateTimeMicroseconds means, whatever its lowest bits hold. */
    static Instant microseconds(long timestamp) {
        long fraction = (timestamp & 0xffff_ffffL) >>> UNUSED_BITS;
        return Instant.ofEpochSecond(
                seconds(timestamp), (fraction * MICROS >>> 32 - UNUSED_BITS) * 1000);
    }

    private static long seconds(long timestamp) {
        long seconds = timestamp >>> 32;
        return (seconds < HIGHEST_SECOND ? seconds + ERA_1 : seconds) - UNIX_EPOCH;
    }
}
