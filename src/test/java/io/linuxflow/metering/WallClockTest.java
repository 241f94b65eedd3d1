// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WallClockTest {

    private static final long NOON = 1_800_000_000_000_000_000L;

    @Test
    void readingsBeforeAndAfterTheAnchorLieOnTheLine() {
        WallClock clock = new WallClock(5_000, NOON, 4_000_000);

        assertThat(clock.epochNanos(5_000)).isEqualTo(NOON);
        assertThat(clock.epochNanos(4_750)).isEqualTo(NOON - 1_000_000_000);
        assertThat(clock.epochNanos(5_001)).isEqualTo(NOON + 4_000_000);
    }

    @Test
    void theTickCounterMayWrapBetweenReadingAndAnchor() {
        // jiffies start 300 s before they overflow 32 bits, and are extended to 64.
        WallClock clock = new WallClock(Long.MIN_VALUE, NOON, 1);

        assertThat(clock.epochNanos(Long.MAX_VALUE)).isEqualTo(NOON - 1);
    }
}
