// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.metering.MeterOptions;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.ExtendedStartupListener;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.annotations.Component;
import org.apache.camel.support.HealthCheckComponent;

/**
 * Meters the interfaces of this host with eBPF and hands the flows to routes. All consumers of one
 * name share one meter.
 */
@Component("ebpf-flowmap")
public class EbpfFlowmapComponent extends HealthCheckComponent implements ExtendedStartupListener {

    @Metadata(description = "Options that all endpoints have unless they give their own.")
    private EbpfFlowmapConfiguration configuration = new EbpfFlowmapConfiguration();

    private final Function<MeterOptions, FlowMeter> factory;
    private final Map<String, SharedMeter> meters = new ConcurrentHashMap<>();

    public EbpfFlowmapComponent() {
        this(KernelMeter::new);
    }

    EbpfFlowmapComponent(Function<MeterOptions, FlowMeter> factory) {
        this.factory = factory;
    }

    @Override
    protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
            throws Exception {
        EbpfFlowmapEndpoint endpoint = new EbpfFlowmapEndpoint(uri, this);
        endpoint.setName(remaining);
        endpoint.setConfiguration(configuration.copy());
        setProperties(endpoint, parameters);
        EbpfFlowmapConfiguration.meterOptions(endpoint.getConfiguration().meterOptions());
        return endpoint;
    }

    @Override
    protected void doInit() throws Exception {
        super.doInit();
        // The CLI may have loaded this jar for a route (//DEPS), too late for a plugin.
        FlowExportPlugin.bind(getCamelContext());
        HealthCheckRegistry health = HealthCheckRegistry.get(getCamelContext());
        if (health != null) {
            health.register(new EbpfFlowmapLivenessCheck(meters.values()));
        }
        getCamelContext().addStartupListener(this);
    }

    /** The meter that the consumers of this name share. */
    SharedMeter meter(String name) {
        return meters.computeIfAbsent(name, n -> new SharedMeter(n, factory));
    }

    /** All meters, running or not. */
    Collection<SharedMeter> meters() {
        return meters.values();
    }

    @Override
    public void onCamelContextStarted(CamelContext context, boolean alreadyStarted) {
        // Not fully started yet: routes may follow whose consumers would miss flows.
    }

    @Override
    public void onCamelContextFullyStarted(CamelContext context, boolean alreadyStarted) {
        meters.values().forEach(SharedMeter::start);
    }

    public EbpfFlowmapConfiguration getConfiguration() {
        return configuration;
    }

    public void setConfiguration(EbpfFlowmapConfiguration configuration) {
        this.configuration = configuration;
    }
}
