// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.flow.FlowBatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.Suspendable;
import org.apache.camel.api.management.ManagedAttribute;
import org.apache.camel.api.management.ManagedResource;
import org.apache.camel.health.HealthCheckHelper;
import org.apache.camel.health.HealthCheckRepository;
import org.apache.camel.support.DefaultConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has every batch of the shared meter routed, one exchange each.
 *
 * <p>Before it stops, everything metered so far has gone through its route: when the CamelContext
 * stops that is done already as its route is asked to suspend, because the routes it may lead to,
 * through {@code direct} or a Kamelet, run that long. A suspended consumer keeps its queue.
 */
@ManagedResource(description = "Managed consumer of an eBPF flow meter")
public final class EbpfFlowmapConsumer extends DefaultConsumer implements Suspendable {

    private static final Logger LOG = LoggerFactory.getLogger(EbpfFlowmapConsumer.class);

    private final FailureLog failures = new FailureLog(this);
    private final LongAdder exportedFlows = new LongAdder();
    private ExecutorService executor;
    private volatile FlowMeter.Queue queue;
    private volatile FlowPoller poller;

    public EbpfFlowmapConsumer(EbpfFlowmapEndpoint endpoint, Processor processor) {
        super(endpoint, processor);
        setExceptionHandler(failures);
    }

    @Override
    public EbpfFlowmapEndpoint getEndpoint() {
        return (EbpfFlowmapEndpoint) super.getEndpoint();
    }

    @Override
    protected void doStart() throws Exception {
        super.doStart();
        HealthCheckRepository repository =
                HealthCheckHelper.getHealthCheckRepository(
                        getEndpoint().getCamelContext(), "consumers", HealthCheckRepository.class);
        if (repository != null) {
            EbpfFlowmapHealthCheck check = new EbpfFlowmapHealthCheck(this);
            check.setEnabled(getEndpoint().getComponent().isHealthCheckConsumerEnabled());
            setHealthCheck(check);
        }
        SharedMeter meter = getEndpoint().meter();
        meter.join(this);
        // Until it is started other routes may follow, and none is to miss a flow.
        if (getEndpoint().getCamelContext().isStarted()) {
            try {
                meter.start();
            } catch (RuntimeException e) {
                finish();
                throw e;
            }
        }
    }

    /** The meter runs: this is what to take from. */
    void consume(FlowMeter.Queue flows) {
        queue = flows;
        poller = new FlowPoller(flows, this::route);
        executor =
                getEndpoint()
                        .getCamelContext()
                        .getExecutorServiceManager()
                        .newSingleThreadExecutor(this, "EbpfFlowmap[" + getRouteId() + "]");
        executor.execute(poller);
    }

    private void route(FlowBatch batch, Consumer<Boolean> done) {
        Exchange exchange = createExchange(true);
        Message message = exchange.getIn();
        message.setBody(batch);
        message.setHeader(EbpfFlowmapConstants.FLOW_COUNT, batch.size());
        message.setHeader(EbpfFlowmapConstants.OBSERVATION_DOMAIN, batch.observationDomain());
        AsyncCallback finish = defaultConsumerCallback(exchange, true);
        getAsyncProcessor()
                .process(
                        exchange,
                        doneSync -> {
                            boolean failed = exchange.isFailed();
                            try {
                                if (failed) {
                                    failures.failed(batch.size(), exchange.getException());
                                } else {
                                    exportedFlows.add(batch.size());
                                    failures.succeeded();
                                }
                                finish.done(doneSync);
                            } finally {
                                done.accept(failed);
                            }
                        });
    }

    @Override
    protected void doSuspend() throws Exception {
        if (getEndpoint().getCamelContext().isStopping()) {
            finish();
        } else if (poller != null) {
            poller.pause();
        }
        super.doSuspend();
    }

    @Override
    protected void doResume() throws Exception {
        super.doResume();
        if (poller != null) {
            poller.resume();
        }
    }

    @Override
    protected void doStop() throws Exception {
        finish();
        super.doStop();
    }

    private void finish() {
        SharedMeter meter = getEndpoint().meter();
        try {
            meter.leave(this, !getEndpoint().getCamelContext().isStopping());
            if (poller != null && !poller.finish()) {
                LOG.warn(
                        "Route {} fails, and {} flows that waited for it were dropped",
                        getRouteId(),
                        getQueuedFlows());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            LOG.warn(
                    "Route {} was too slow to stop in time: {} flows were dropped",
                    getRouteId(),
                    getQueuedFlows());
        } finally {
            release();
        }
    }

    private void release() {
        poller = null;
        if (queue != null) {
            queue.close();
        }
        if (executor != null) {
            getEndpoint().getCamelContext().getExecutorServiceManager().shutdownNow(executor);
            executor = null;
        }
    }

    @ManagedAttribute(description = "Flows that wait for this consumer")
    public int getQueuedFlows() {
        FlowMeter.Queue current = queue;
        return current == null ? 0 : current.queuedFlows();
    }

    @ManagedAttribute(description = "Flows in exchanges that this consumer's route completed")
    public long getExportedFlows() {
        return exportedFlows.sum();
    }

    @ManagedAttribute(description = "Flows dropped because this consumer's route was too slow")
    public long getDroppedFlows() {
        FlowMeter.Queue current = queue;
        return current == null ? 0 : current.droppedFlows();
    }

    @ManagedAttribute(description = "Flows in exchanges that failed")
    public long getFailedFlows() {
        return failures.failedFlows();
    }

    /** What hinders its flows now, null if nothing does. */
    String problem() {
        FlowMeter.Queue current = queue;
        if (failures.problem() != null) {
            return "flows are not delivered: " + failures.problem();
        }
        return current != null && current.isStalled()
                ? "flows are dropped: the route is slower than the meter"
                : null;
    }
}
