// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.enrich.AsDatabase;
import io.linuxflow.enrich.AsTable;
import io.linuxflow.enrich.Fib;
import io.linuxflow.enrich.HostName;
import io.linuxflow.enrich.InterfaceNames;
import io.linuxflow.enrich.PrefixTable;
import io.linuxflow.enrich.ReverseDns;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.camel.CamelContext;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.spi.ContextServicePlugin;
import org.apache.camel.spi.Registry;

/** Binds what routes refer to by name, unless the name is taken. */
public final class FlowExportPlugin implements ContextServicePlugin {

    /** Cheap to make: most are never used. */
    private static final Map<String, Supplier<Object>> BEANS =
            Map.of(
                    IpfixDatagramEncoder.NAME,
                    IpfixDatagramEncoder::new,
                    Enricher.NAME,
                    Enricher::new,
                    "interfaceNames",
                    InterfaceNames::new,
                    "hostName",
                    HostName::new,
                    "fib",
                    Fib::new,
                    "reverseDns",
                    ReverseDns::new,
                    "prefixTable",
                    PrefixTable::new,
                    "asDatabase",
                    AsDatabase::new);

    /** A bean that has a property is configured by the one of its name behind this. */
    private static final String PROPERTIES = "flow.";

    @Override
    public void load(CamelContext camelContext) {
        bind(camelContext);
    }

    static void bind(CamelContext camelContext) {
        Map<String, Object> bound = new HashMap<>();
        BEANS.forEach(
                (name, maker) -> {
                    if (isFree(camelContext, name)) {
                        bound.put(name, maker.get());
                    }
                });
        bound.forEach((name, bean) -> bind(camelContext, name, bean));
        if (!bound.isEmpty()) {
            whenStarting(
                    camelContext,
                    () -> {
                        bound.forEach((name, bean) -> configure(camelContext, name, bean));
                        if (bound.get(Enricher.NAME) instanceof Enricher enricher) {
                            enricher.start();
                        }
                    });
        }
    }

    /** Gives one of the beans the property that is for it. */
    private static void configure(CamelContext camelContext, String name, Object bean) {
        String property =
                camelContext.resolvePropertyPlaceholders("{{" + PROPERTIES + name + ":}}");
        if (bean instanceof Enricher enricher) {
            enricher.setEnrichments(property);
        } else if (bean instanceof AsTable table) {
            table.setFile(property);
        } else if (bean instanceof ReverseDns reverseDns) {
            reverseDns.setServer(property);
        }
    }

    /** Runs it once properties and all beans are there, and before the meters start. */
    private static void whenStarting(CamelContext camelContext, Runnable action) {
        try {
            camelContext.addStartupListener((context, alreadyStarted) -> action.run());
        } catch (Exception e) {
            throw RuntimeCamelException.wrapRuntimeCamelException(e);
        }
    }

    private static boolean isFree(CamelContext camelContext, String name) {
        return camelContext.getRegistry().lookupByName(name) == null;
    }

    private static void bind(CamelContext camelContext, String name, Object bean) {
        Registry registry = camelContext.getRegistry();
        registry.bind(
                name, bean.getClass(), bean, null, bean instanceof AutoCloseable ? "close" : null);
    }
}
