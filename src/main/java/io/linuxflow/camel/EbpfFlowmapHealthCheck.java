// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.metering.MeterStatus;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * Ready while the meter runs and is attached to one interface at least, and the route delivers its
 * flows.
 */
final class EbpfFlowmapHealthCheck extends AbstractHealthCheck {

    /** The detail that names interfaces which are not metered, and says why. */
    static final String PROBLEMS = "interfaces.problems";

    private final EbpfFlowmapConsumer consumer;

    EbpfFlowmapHealthCheck(EbpfFlowmapConsumer consumer) {
        super("camel", "consumer:ebpf-flowmap-" + consumer.getRouteId());
        this.consumer = consumer;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        SharedMeter meter = consumer.getEndpoint().meter();
        MeterStatus status = meter.status();
        List<String> problems =
                Stream.concat(
                                status.missing().stream().map(name -> name + ": no such interface"),
                                status.interfaces().stream()
                                        .filter(i -> i.problem() != null)
                                        .map(i -> label(i) + ": " + i.problem()))
                        .toList();
        builder.detail("route.id", consumer.getRouteId());
        builder.detail(PROBLEMS, String.join("; ", problems));
        if (meter.failure() != null) {
            builder.down().message("the meter was not started").error(meter.failure());
        } else if (status.failure() != null) {
            builder.down().message("the meter has stopped: " + status.failure());
        } else if (!status.running()) {
            builder.down().message("the meter is not running");
        } else if (status.interfaces().stream().noneMatch(i -> i.problem() == null)) {
            builder.down()
                    .message(
                            problems.isEmpty()
                                    ? "no interface matches"
                                    : String.join("; ", problems));
        } else if (consumer.problem() != null) {
            builder.down().message(consumer.problem());
        } else {
            builder.up();
        }
    }

    /** {@code DEV} or {@code NETNS:DEV}, as in the option {@code interfaces}. */
    static String label(MeterStatus.Interface at) {
        return at.namespace().isEmpty() ? at.name() : at.namespace() + ":" + at.name();
    }
}
