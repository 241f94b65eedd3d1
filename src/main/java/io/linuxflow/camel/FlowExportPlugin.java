// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.enrich.AsDatabase;
import io.linuxflow.enrich.AsTable;
import io.linuxflow.enrich.Fib;
import io.linuxflow.enrich.HostName;
import io.linuxflow.enrich.InterfaceNames;
import io.linuxflow.enrich.PrefixTable;
import io.linuxflow.enrich.ReverseDns;
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

    /** The enrichments that {@link Enricher#NAME} applies. */
    private static final String ENRICHMENTS = "flow.enrich";

    @Override
    public void load(CamelContext camelContext) {
        bind(camelContext);
    }

    static void bind(CamelContext camelContext) {
        BEANS.forEach(
                (name, maker) -> {
                    if (isFree(camelContext, name)) {
                        Object bean = maker.get();
                        bind(camelContext, name, bean);
                        whenStarting(
                                camelContext,
                                () -> configure(bean, property(camelContext, "flow." + name)));
                    }
                });
        if (isFree(camelContext, Enricher.NAME)) {
            Enricher enricher = new Enricher();
            bind(camelContext, Enricher.NAME, enricher);
            whenStarting(
                    camelContext,
                    () -> {
                        enricher.setEnrichments(property(camelContext, ENRICHMENTS));
                        enricher.start();
                    });
        }
    }

    /** Gives one of the beans the property of its name. */
    private static void configure(Object bean, String property) {
        if (bean instanceof AsTable table) {
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

    private static String property(CamelContext camelContext, String name) {
        return camelContext.resolvePropertyPlaceholders("{{" + name + ":}}");
    }
}
