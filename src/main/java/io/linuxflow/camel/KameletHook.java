// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.enrich.CommandHook;
import io.linuxflow.enrich.Enrichment;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.json.JsonShape;
import java.time.Duration;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.spi.Registry;

/**
 * The hook of a Kamelet. Beans of Kamelets are not in the registry, which is where metrics look for
 * hooks; this one puts its hook there, as {@code flow-hook-action-1} and so on.
 */
public final class KameletHook implements Enrichment, CamelContextAware {

    private static final String NAME = "flow-hook-action-";

    private final CommandHook hook = new CommandHook();
    private CamelContext camelContext;
    private boolean registered;

    @Override
    public FlowBatch enrich(FlowBatch batch) {
        register();
        return hook.enrich(batch);
    }

    private synchronized void register() {
        if (registered || camelContext == null) {
            return;
        }
        registered = true;
        register(camelContext, NAME, hook);
    }

    /** Puts a bean of a Kamelet into the registry, under the first name that is free. */
    static void register(CamelContext camelContext, String name, Object bean) {
        Registry registry = camelContext.getRegistry();
        synchronized (registry) {
            int number = 1;
            while (registry.lookupByName(name + number) != null) {
                number++;
            }
            registry.bind(name + number, bean);
        }
    }

    /** See {@link CommandHook#setCommand}. */
    public void setCommand(String command) {
        hook.setCommand(command);
    }

    /** See {@link CommandHook#setShell}. */
    public void setShell(String shell) {
        hook.setShell(shell);
    }

    /** See {@link CommandHook#setShape}. */
    public void setShape(JsonShape shape) {
        hook.setShape(shape);
    }

    /** See {@link CommandHook#setTimeout}. */
    public void setTimeout(Duration timeout) {
        hook.setTimeout(timeout);
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }
}
