// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import org.apache.camel.CamelContext;
import org.apache.camel.spi.ContextServicePlugin;
import org.apache.camel.spi.Registry;

/** Binds what routes refer to by name, unless the name is taken. */
public final class FlowExportPlugin implements ContextServicePlugin {

    @Override
    public void load(CamelContext camelContext) {
        bind(camelContext);
    }

    static void bind(CamelContext camelContext) {
        Registry registry = camelContext.getRegistry();
        if (registry.lookupByName(IpfixDatagramEncoder.NAME) == null) {
            registry.bind(IpfixDatagramEncoder.NAME, new IpfixDatagramEncoder());
        }
    }
}
