// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import java.time.Duration;

/**
 * Counts flows that something went wrong with, or whatever else is counted, and has it reported:
 * the first time at once, then at most once a minute. What is wrong for hours is no reason to fill
 * the log.
 */
final class Failures {

    private static final long INTERVAL = Duration.ofMinutes(1).toNanos();

    /** Says on one line what is wrong. */
    interface Report {
        /**
         * @param recent how many since the last report
         * @param total how many since the start
         */
        void write(long recent, long total);
    }

    private long total;
    private long reported;
    private long next = System.nanoTime();

    synchronized long total() {
        return total;
    }

    /** Counts these, and has all since the last report reported if it is time to. */
    synchronized void add(int count, Report report) {
        total += count;
        long now = System.nanoTime();
        if (now - next >= 0) {
            report.write(total - reported, total);
            reported = total;
            next = now + INTERVAL;
        }
    }

    /** The innermost cause: those around it say how it was passed on. */
    static String reason(Throwable exception) {
        Throwable cause = exception;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }
}
