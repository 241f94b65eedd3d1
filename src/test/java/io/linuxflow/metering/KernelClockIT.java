// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.bpf.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KernelClockIT {

    /** What the system's time may be slewed in the course of a test. */
    private static final long SLEW = Duration.ofMillis(1).toNanos();

    /**
     * A unit of a wrong length would show: over half a second, one that is a fiftieth too long or
     * short, such as that of 256 ticks a second for 250, is 10 ms off.
     */
    @ParameterizedTest
    @EnumSource(FlowClock.class)
    void readingsOfLongAgoKeepTheirWallTime(FlowClock flowClock) throws Exception {
        MeterOptions options = MeterOptions.DEFAULT.withSlots(1).withClock(flowClock);
        try (FlowMeterObject programs = FlowMeterObject.load(options, 1)) {
            KernelClock clock = new KernelClock(programs.object(), flowClock);
            List<WallClock> drains = new ArrayList<>();
            for (int i = 0; i < 26; i++) {
                long before = Clock.realtimeNanos();
                WallClock now = clock.now();
                assertThat(now.epochNanos())
                        .isBetween(before - Clock.tickNanos() - SLEW, Clock.realtimeNanos());
                drains.add(now);
                Thread.sleep(20);
            }
            WallClock first = drains.get(0);
            for (WallClock later : drains) {
                assertThat(later.epochNanos(first.flowClock()) - first.epochNanos())
                        .isBetween(-Clock.tickNanos() - SLEW, SLEW);
            }
        }
    }
}
