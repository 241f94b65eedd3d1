// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.flow.FlowBatch;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelExecutionException;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.main.SimpleMainShutdownStrategy;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs routes in this process until it is told to stop. */
public final class Agent {

    private static final Logger LOG = LoggerFactory.getLogger(Agent.class);

    private Agent() {}

    /**
     * Runs the routes, until SIGTERM or SIGINT; then exports what is metered, and ends the JVM with
     * 0.
     *
     * @throws Exception saying why they can't be run
     */
    public static int run(AgentRoutes routes) throws Exception {
        Main main = new Main();
        Properties properties = new Properties();
        properties.put("camel.main.name", "flowctl-agent");
        properties.put("camel.main.jmxEnabled", "false");
        properties.put("camel.main.autoConfigurationLogSummary", "false");
        properties.put("camel.component.properties.environmentVariableMode", "never");
        properties.putAll(routes.properties());
        main.setInitialProperties(properties);
        main.addMainListener(
                new MainListenerSupport() {
                    @Override
                    public void beforeConfigure(BaseMainSupport support) {
                        load(support.getCamelContext(), routes.yaml());
                    }
                });
        // Camel's own ends with 143, as a JVM does that a signal ends, though all is well.
        SimpleMainShutdownStrategy shutdown = new SimpleMainShutdownStrategy();
        main.setShutdownStrategy(shutdown);
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(shutdown, ended), "shutdown"));
        try {
            main.run();
            return main.getExitCode();
        } finally {
            ended.countDown();
        }
    }

    /**
     * Gives batches to the outputs once.
     *
     * @return how many flows each output got, by its route
     * @throws Exception saying which output has not got them, and why
     */
    public static Map<String, Long> sendOnce(AgentRoutes routes, List<FlowBatch> batches)
            throws Exception {
        Map<String, Long> sent = new LinkedHashMap<>();
        DefaultCamelContext context = new DefaultCamelContext();
        try {
            Properties properties = new Properties();
            properties.putAll(routes.properties());
            context.getPropertiesComponent().setInitialProperties(properties);
            load(context, routes.directYaml());
            context.start();
            ProducerTemplate template = context.createProducerTemplate();
            for (String name : routes.names()) {
                for (FlowBatch batch : batches) {
                    try {
                        template.sendBody("direct:" + name, batch);
                    } catch (CamelExecutionException e) {
                        throw new IOException(name + ": " + e.getCause().getMessage(), e);
                    }
                    sent.merge(name, (long) batch.size(), Long::sum);
                }
            }
        } finally {
            context.stop();
        }
        return sent;
    }

    private static void end(SimpleMainShutdownStrategy shutdown, CountDownLatch ended) {
        if (ended.getCount() == 0) {
            return;
        }
        LOG.info("Stopping: what is metered is exported");
        shutdown.shutdown();
        try {
            ended.await();
            Runtime.getRuntime().halt(0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void load(CamelContext context, String yaml) {
        try {
            PluginHelper.getRoutesLoader(context)
                    .loadRoutes(ResourceHelper.fromString("agent.camel.yaml", yaml));
        } catch (Exception e) {
            throw new IllegalStateException("can't load the routes: " + e.getMessage(), e);
        }
    }
}
