// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NtpTimestampTest {

    private static final long NANOS = 1_000_000_000L;

    @Test
    void rfc5905_unixEpochIs2208988800SecondsAfter1900() {
        assertThat(NtpTimestamp.ofNanoseconds(0)).isEqualTo(0x83aa7e80_00000000L);
        assertThat(NtpTimestamp.ofMicroseconds(0)).isEqualTo(0x83aa7e80_00000000L);
    }

    @Test
    void halfASecondIsTheHighestBitOfTheFraction() {
        assertThat(NtpTimestamp.ofNanoseconds(NANOS / 2)).isEqualTo(0x83aa7e80_80000000L);
        assertThat(NtpTimestamp.ofMicroseconds(NANOS / 2)).isEqualTo(0x83aa7e80_80000000L);
    }

    @ParameterizedTest
    @CsvSource({
        "1970-01-01T00:00:00Z",
        "2026-11-24T12:00:00.123456789Z",
        "2036-02-07T06:28:15.999999999Z", // the last second of era 0
        "2036-02-07T06:28:16Z", // the first of era 1
        "2100-01-01T00:00:00.000000001Z",
    })
    void momentsSurviveTheirEncodingAlsoAcrossEras(Instant moment) {
        long nanos = moment.getEpochSecond() * NANOS + moment.getNano();
        assertThat(NtpTimestamp.nanoseconds(NtpTimestamp.ofNanoseconds(nanos))).isEqualTo(moment);
        assertThat(NtpTimestamp.microseconds(NtpTimestamp.ofMicroseconds(nanos)))
                .isEqualTo(moment.minusNanos(moment.getNano() % 1000));
    }

    @Test
    void anyNanosecondIsReadBackExactly() {
        Random random = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            long nanos = random.nextLong(4_000_000_000L * NANOS);
            Instant moment = Instant.ofEpochSecond(nanos / NANOS, nanos % NANOS);
            assertThat(NtpTimestamp.nanoseconds(NtpTimestamp.ofNanoseconds(nanos)))
                    .isEqualTo(moment);
        }
    }

    @Test
    void section6_1_9_theLowest11BitsOfMicrosecondsAreZero() {
        for (long micros = 0; micros < 1_000_000; micros += 7) {
            long timestamp = NtpTimestamp.ofMicroseconds(micros * 1000 + 999);
            assertThat(timestamp & 0x7ff).isZero();
            assertThat(NtpTimestamp.microseconds(timestamp))
                    .isEqualTo(Instant.ofEpochSecond(0, micros * 1000));
        }
    }

    @Test
    void section6_1_9_theLowest11BitsOfMicrosecondsAreIgnored() {
        long timestamp = NtpTimestamp.ofMicroseconds(123_456_000);
        assertThat(NtpTimestamp.microseconds(timestamp | 0x7ff))
                .isEqualTo(Instant.ofEpochSecond(0, 123_456_000));
    }
}
