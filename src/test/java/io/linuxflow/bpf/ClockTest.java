// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ClockTest {

    private static final Offset<Long> A_SECOND = Offset.offset(Duration.ofSeconds(1).toNanos());

    @Test
    void realtimeIsWallTime() {
        Instant now = Instant.now();

        assertThat(Clock.realtimeNanos())
                .isCloseTo(now.getEpochSecond() * 1_000_000_000 + now.getNano(), A_SECOND);
    }

    @Test
    void bootTimeIsTheUptime() throws IOException {
        double uptime = Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);

        assertThat(Clock.bootNanos()).isCloseTo((long) (uptime * 1e9), A_SECOND);
    }

    @Test
    void monotonicIsTheClockOfTheJdk() {
        assertThat(Clock.monotonicNanos()).isCloseTo(System.nanoTime(), A_SECOND);
    }

    @Test
    void realtimeAndMonotonicAreReadAtOneMoment() {
        long difference = Clock.realtimeMinusMonotonicNanos();

        assertThat(Clock.monotonicNanos() + difference)
                .isCloseTo(Clock.realtimeNanos(), Offset.offset(50_000_000L));
    }

    /** CONFIG_HZ is a whole number, and TICK_NSEC rounded (include/linux/jiffies.h). */
    @Test
    void aTickIsAWholePartOfASecond() {
        long hz = Math.round(1e9 / Clock.tickNanos());

        assertThat(hz).isBetween(24L, 1200L);
        assertThat(Clock.tickNanos()).isEqualTo((1_000_000_000 + hz / 2) / hz);
    }
}
