// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import java.time.Duration;
import org.apache.camel.Exchange;
import org.apache.camel.spi.ExceptionHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the flows that a route failed to deliver, and says so on one line: the first time at once,
 * then at most once a minute. A sink that is down for hours is no reason to fill the log. The stack
 * trace is there at level DEBUG.
 */
final class FailureLog implements ExceptionHandler {

    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);

    private static final long INTERVAL = Duration.ofMinutes(1).toNanos();

    private final EbpfFlowmapConsumer consumer;
    private volatile String problem;
    private long failed;
    private long reported;
    private long next = System.nanoTime();

    FailureLog(EbpfFlowmapConsumer consumer) {
        this.consumer = consumer;
    }

    /** Flows in exchanges that failed. */
    synchronized long failedFlows() {
        return failed;
    }

    /** Why the last exchange failed, null if it did not. */
    String problem() {
        return problem;
    }

    /** An exchange did not fail. */
    void succeeded() {
        if (problem != null) {
            problem = null;
        }
    }

    @Override
    public void handleException(Throwable exception) {
        handleException(null, null, exception);
    }

    @Override
    public void handleException(String message, Throwable exception) {
        handleException(message, null, exception);
    }

    @Override
    public synchronized void handleException(
            String message, Exchange exchange, Throwable exception) {
        if (exchange != null) {
            failed += exchange.getIn().getHeader(EbpfFlowmapConstants.FLOW_COUNT, 0, Integer.class);
        }
        problem = reason(exception);
        LOG.debug("Route {} failed", consumer.getRouteId(), exception);
        long now = System.nanoTime();
        if (now - next >= 0) {
            LOG.warn(
                    "Route {} failed to deliver {} flows, {} since its start: {}",
                    consumer.getRouteId(),
                    failed - reported,
                    failed,
                    problem);
            reported = failed;
            next = now + INTERVAL;
        }
    }

    /** The innermost cause: those around it say how it was passed on. */
    private static String reason(Throwable exception) {
        Throwable cause = exception;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }
}
