// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import java.util.Properties;
import org.apache.camel.CamelContext;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/** Runs routes in this process until it is told to stop. */
public final class Agent {

    private Agent() {}

    /**
     * Runs the routes, until SIGTERM or SIGINT; then exports what is metered, and ends the JVM.
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

                    @Override
                    public void afterStop(BaseMainSupport support) {
                        // A JVM that a signal ends would end with 143, though all is well.
                        Runtime.getRuntime().halt(main.getExitCode());
                    }
                });
        main.run();
        return main.getExitCode();
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
