// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CacheOptionsTest {

    @ParameterizedTest
    @CsvSource({
        "PT-1S, PT15S, PT5S, 1, activeTimeout is PT-1S: give 1 ms to 365 days",
        "PT0.0001S, PT15S, PT5S, 1, activeTimeout is PT0.0001S",
        "PT30S, PT0S, PT5S, 1, idleTimeout is PT0S: give 1 ms to 365 days",
        "PT30S, P366D, PT5S, 1, idleTimeout is",
        "PT30S, PT15S, PT-5S, 1, finishedDrain is PT-5S: give 0 to 365 days",
        "PT30S, PT15S, PT5S, 0, cacheMaxFlows is 0: give 1 to 16777216",
        "PT30S, PT15S, PT5S, 16777217, cacheMaxFlows is 16777217",
    })
    void whatIsOutOfRangeIsNamedWithTheRange(
            Duration active, Duration idle, Duration finished, int maxFlows, String message) {
        assertThatThrownBy(() -> new CacheOptions(active, idle, finished, maxFlows))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void anActiveTimeoutOf0SwitchesTheCacheOff() {
        assertThat(CacheOptions.DEFAULT.enabled()).isTrue();
        assertThat(CacheOptions.DEFAULT.withActiveTimeout(Duration.ZERO).enabled()).isFalse();
    }
}
