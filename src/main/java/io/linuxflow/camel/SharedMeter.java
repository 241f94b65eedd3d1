// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.metering.Flushed;
import io.linuxflow.metering.MeterOptions;
import io.linuxflow.metering.MeterStatus;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.function.Function;

/**
 * The one meter that the consumers of a name share. It runs from when the first of them is there,
 * and the CamelContext is started, until the last one has left.
 */
final class SharedMeter {

    private static final Traffic NONE = new Traffic(0, 0);

    private static final MeterStatus NEVER_STARTED =
            new MeterStatus(
                    false,
                    List.of(),
                    List.of(),
                    List.of(),
                    new Counters(NONE, NONE, NONE, NONE, NONE),
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    Flushed.NONE,
                    0,
                    0,
                    0,
                    null);

    private final String name;
    private final Function<MeterOptions, FlowMeter> factory;
    private final Set<EbpfFlowmapConsumer> consumers = new CopyOnWriteArraySet<>();

    /** The last one, also when it is closed: its counters are still of interest. */
    private volatile FlowMeter meter;

    private volatile RuntimeException failure;

    /** The options that the meter runs with, null while it does not run. */
    private Map<String, Object> options;

    SharedMeter(String name, Function<MeterOptions, FlowMeter> factory) {
        this.name = name;
        this.factory = factory;
    }

    /**
     * Takes part from now on, or once the meter is started.
     *
     * @throws IllegalArgumentException if its options contradict those of another consumer
     */
    synchronized void join(EbpfFlowmapConsumer consumer) {
        Map<String, Object> given = given(consumer);
        for (EbpfFlowmapConsumer other : consumers) {
            given(other)
                    .forEach(
                            (option, value) ->
                                    agree(option, value, uri(other), given.get(option), consumer));
        }
        if (options != null) {
            options.forEach(
                    (option, value) ->
                            agree(
                                    option,
                                    value,
                                    "the meter that runs already",
                                    given.get(option),
                                    consumer));
        }
        consumers.add(consumer);
        if (options != null) {
            subscribe(consumer);
        }
    }

    private void agree(
            String option,
            Object value,
            String where,
            Object wanted,
            EbpfFlowmapConsumer consumer) {
        if (wanted != null && !wanted.equals(value)) {
            throw new IllegalArgumentException(
                    "Consumers of ebpf-flowmap:%s share one meter, but %s is %s in %s and %s in %s. Give it the same value, or leave it out of all but the first, or use another name."
                            .formatted(name, option, value, where, wanted, uri(consumer)));
        }
    }

    /**
     * Starts the meter, unless it runs or nobody is there.
     *
     * @throws io.linuxflow.bpf.BpfException saying why it can't be started
     */
    synchronized void start() {
        if (options != null || consumers.isEmpty()) {
            return;
        }
        Map<String, Object> given = new HashMap<>();
        consumers.forEach(consumer -> given.putAll(given(consumer)));
        MeterOptions effective = EbpfFlowmapConfiguration.meterOptions(given);
        FlowMeter fresh = factory.apply(effective);
        options = EbpfFlowmapConfiguration.byName(effective);
        meter = fresh;
        failure = null;
        consumers.forEach(this::subscribe);
        try {
            fresh.start();
        } catch (RuntimeException e) {
            failure = e;
            close();
            throw e;
        }
    }

    private void subscribe(EbpfFlowmapConsumer consumer) {
        consumer.consume(
                meter.subscribe(
                        consumer.getRouteId(),
                        consumer.getEndpoint().getConfiguration().getQueueCapacity()));
    }

    /**
     * Leaves, after everything metered so far has been put into the consumer's queue.
     *
     * @param others whether the others will stay: else the meter is closed now, so that all of them
     *     get the same flows
     */
    synchronized void leave(EbpfFlowmapConsumer consumer, boolean others) {
        if (!consumers.remove(consumer) || options == null) {
            return;
        }
        if (others && !consumers.isEmpty()) {
            meter.flush();
        } else {
            close();
        }
    }

    private void close() {
        options = null;
        meter.close();
    }

    /** What its endpoints call it. */
    String name() {
        return name;
    }

    /** The consumers there are now. */
    List<EbpfFlowmapConsumer> consumers() {
        return List.copyOf(consumers);
    }

    /** What the meter does, or did. */
    MeterStatus status() {
        FlowMeter current = meter;
        return current == null ? NEVER_STARTED : current.status();
    }

    /** Why the meter could not be started, null if it could. */
    RuntimeException failure() {
        return failure;
    }

    private static Map<String, Object> given(EbpfFlowmapConsumer consumer) {
        return consumer.getEndpoint().getConfiguration().meterOptions();
    }

    private static String uri(EbpfFlowmapConsumer consumer) {
        return "route "
                + consumer.getRouteId()
                + " ("
                + consumer.getEndpoint().getEndpointUri()
                + ")";
    }
}
