// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import java.util.Collection;
import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Alive unless a meter could not be started or has stopped by itself: a restart may help. */
final class EbpfFlowmapLivenessCheck extends AbstractHealthCheck {

    private final Collection<SharedMeter> meters;

    /**
     * @param meters read each time the check is called
     */
    EbpfFlowmapLivenessCheck(Collection<SharedMeter> meters) {
        super("camel", "ebpf-flowmap");
        this.meters = meters;
    }

    @Override
    public boolean isLiveness() {
        return true;
    }

    @Override
    public boolean isReadiness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        builder.up();
        for (SharedMeter meter : meters) {
            String failure = meter.status().failure();
            if (meter.failure() != null) {
                builder.down()
                        .message("meter " + meter.name() + " was not started")
                        .error(meter.failure());
            } else if (failure != null) {
                builder.down().message("meter " + meter.name() + " has stopped: " + failure);
            }
        }
    }
}
