// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import java.time.Duration;

/**
 * When a flow ends, so when its record goes out, and how many the flow cache holds. Timeouts are
 * looked at whenever an epoch ends.
 *
 * @param activeTimeout after this long a record goes out though the flow goes on, as a new record;
 *     0: no cache, what each epoch saw of a flow is a record of its own
 * @param idleTimeout a flow without packets for this long has ended
 * @param finishedDrain a flow with a FIN or RST has ended as soon as an epoch sees no more of it,
 *     and this long after the FIN or RST at the latest
 * @param maxFlows the most flows in the cache, of each network namespace
 */
public record CacheOptions(
        Duration activeTimeout, Duration idleTimeout, Duration finishedDrain, int maxFlows) {

    private static final Duration LONGEST = Duration.ofDays(365);

    /** Active timeout 30 s, idle timeout 15 s, finished within 5 s, 262,144 flows. */
    public static final CacheOptions DEFAULT =
            new CacheOptions(
                    Duration.ofSeconds(30), Duration.ofSeconds(15), Duration.ofSeconds(5), 1 << 18);

    public CacheOptions {
        if (!activeTimeout.isZero()) {
            atLeastAMillisecond("activeTimeout", activeTimeout, ", or 0 for no cache");
        }
        atLeastAMillisecond("idleTimeout", idleTimeout, "");
        if (finishedDrain.isNegative() || finishedDrain.compareTo(LONGEST) > 0) {
            throw outOfRange("finishedDrain", finishedDrain, "0 to 365 days");
        }
        if (maxFlows < 1 || maxFlows > FlowTable.MAX_FLOWS) {
            throw outOfRange("cacheMaxFlows", maxFlows, "1 to " + FlowTable.MAX_FLOWS);
        }
    }

    private static void atLeastAMillisecond(String option, Duration value, String or) {
        if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(LONGEST) > 0) {
            throw outOfRange(option, value, "1 ms to 365 days" + or);
        }
    }

    private static IllegalArgumentException outOfRange(String option, Object value, String range) {
        return new IllegalArgumentException(option + " is " + value + ": give " + range);
    }

    /** Whether there is a cache. */
    boolean enabled() {
        return !activeTimeout.isZero();
    }

    CacheOptions withActiveTimeout(Duration value) {
        return new CacheOptions(value, idleTimeout, finishedDrain, maxFlows);
    }
}
