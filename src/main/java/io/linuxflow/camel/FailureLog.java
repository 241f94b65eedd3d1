// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import org.apache.camel.Exchange;
import org.apache.camel.spi.ExceptionHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the flows that a route failed to deliver, and says so on one line, once in a while. The
 * stack trace is there at level DEBUG.
 */
final class FailureLog implements ExceptionHandler {

    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);

    private final EbpfFlowmapConsumer consumer;
    private final Failures failed = new Failures();
    private volatile String problem;

    FailureLog(EbpfFlowmapConsumer consumer) {
        this.consumer = consumer;
    }

    /** Flows in exchanges that failed. */
    long failedFlows() {
        return failed.total();
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

    /**
     * An exchange failed.
     *
     * @param flows those in it, whatever the route has made of its headers
     */
    void failed(int flows, Throwable exception) {
        problem = Failures.reason(exception);
        LOG.debug("Route {} failed", consumer.getRouteId(), exception);
        failed.add(
                flows,
                (recent, total) ->
                        LOG.warn(
                                "Route {} failed to deliver {} flows, {} since its start: {}",
                                consumer.getRouteId(),
                                recent,
                                total,
                                problem));
    }

    @Override
    public void handleException(Throwable exception) {
        handleException(null, null, exception);
    }

    @Override
    public void handleException(String message, Throwable exception) {
        handleException(message, null, exception);
    }

    /** Of an exchange that failed {@link #failed} has been told already. */
    @Override
    public void handleException(String message, Exchange exchange, Throwable exception) {
        if (exchange == null) {
            failed(0, exception);
        }
    }
}
