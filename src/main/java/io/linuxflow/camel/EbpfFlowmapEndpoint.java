// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.metering.MeterStatus;
import java.util.stream.Collectors;
import org.apache.camel.Category;
import org.apache.camel.Consumer;
import org.apache.camel.MultipleConsumersSupport;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.api.management.ManagedAttribute;
import org.apache.camel.api.management.ManagedResource;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriParam;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultEndpoint;

/**
 * Meter the network flows of this host's interfaces with eBPF.
 *
 * <p>The consumers of one name share one meter; each gets every batch, through a queue of its own.
 * The message body is a {@link io.linuxflow.flow.FlowBatch}.
 */
@ManagedResource(description = "Managed eBPF flow meter")
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "ebpf-flowmap",
        title = "eBPF Flow Map",
        syntax = "ebpf-flowmap:name",
        consumerOnly = true,
        remote = false,
        category = {Category.MONITORING, Category.NETWORKING},
        headersClass = EbpfFlowmapConstants.class)
public class EbpfFlowmapEndpoint extends DefaultEndpoint implements MultipleConsumersSupport {

    @UriPath(description = "The name of the meter. Endpoints of the same name share one.")
    @Metadata(required = true)
    private String name;

    @UriParam private EbpfFlowmapConfiguration configuration = new EbpfFlowmapConfiguration();

    public EbpfFlowmapEndpoint(String uri, EbpfFlowmapComponent component) {
        super(uri, component);
    }

    @Override
    public Consumer createConsumer(Processor processor) throws Exception {
        EbpfFlowmapConsumer consumer = new EbpfFlowmapConsumer(this, processor);
        configureConsumer(consumer);
        return consumer;
    }

    @Override
    public Producer createProducer() {
        throw new UnsupportedOperationException(
                "ebpf-flowmap meters flows: it stands in from, not in to");
    }

    @Override
    public EbpfFlowmapComponent getComponent() {
        return (EbpfFlowmapComponent) super.getComponent();
    }

    @Override
    public boolean isMultipleConsumersSupported() {
        return true;
    }

    SharedMeter meter() {
        return getComponent().meter(name);
    }

    @ManagedAttribute(description = "Interfaces that are metered")
    public String getMeteredInterfaces() {
        return meter().status().interfaces().stream()
                .filter(i -> i.problem() == null)
                .map(EbpfFlowmapHealthCheck::label)
                .collect(Collectors.joining(", "));
    }

    @ManagedAttribute(description = "Packets that crossed the metered interfaces")
    public long getPacketsSeen() {
        return counters().seen().packets();
    }

    @ManagedAttribute(description = "Packets that are in a flow record, or will be")
    public long getPacketsMetered() {
        return counters().metered().packets();
    }

    @ManagedAttribute(description = "Packets that found no free slot")
    public long getPacketsOverflow() {
        return counters().overflow().packets();
    }

    @ManagedAttribute(description = "Flow records handed to the consumers")
    public long getFlows() {
        return meter().status().flows();
    }

    @ManagedAttribute(description = "Flows in the flow cache")
    public int getCachedFlows() {
        return meter().status().cachedFlows();
    }

    @ManagedAttribute(description = "Flow records handed out because the flow cache was full")
    public long getUncachedFlows() {
        return meter().status().uncachedFlows();
    }

    @ManagedAttribute(description = "Drains so far")
    public long getEpochs() {
        return meter().status().epochs();
    }

    private MeterStatus.Counters counters() {
        return meter().status().totals();
    }

    public String getName() {
        return name;
    }

    public void setName(String name) {
        this.name = name;
    }

    public EbpfFlowmapConfiguration getConfiguration() {
        return configuration;
    }

    public void setConfiguration(EbpfFlowmapConfiguration configuration) {
        this.configuration = configuration;
    }
}
