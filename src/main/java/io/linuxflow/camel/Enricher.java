// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.enrich.Enrichment;
import io.linuxflow.flow.FlowBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Enriches batches of flows with what the beans of type {@link Enrichment} know that it is given
 * the names of, one after the other: {@code bean: {ref: enrich, method: enrich}}.
 *
 * <p>An enrichment that fails costs no flow: the batch goes on without its columns. That is counted
 * and said on one line, once in a while; the stack trace is there at level DEBUG.
 */
public final class Enricher implements CamelContextAware {

    /** The name that the one of the property {@code flow.enrich} has in the registry. */
    public static final String NAME = "enrich";

    private static final String KAMELET_NAME = "flow-enrich-action-";

    private static final Logger LOG = LoggerFactory.getLogger(Enricher.class);

    /** An enrichment and what it failed to do. */
    final class Step {
        private final String name;
        private final Failures failed = new Failures();
        private volatile Enrichment enrichment;

        private Step(String name) {
            this.name = name;
            enrichment = ready(name);
        }

        String name() {
            return name;
        }

        Enrichment enrichment() {
            return enrichment;
        }

        /** The bean of that name: another one, once the file that makes it has been reloaded. */
        private Enrichment current() {
            if (camelContext.getRegistry().lookupByName(name) != enrichment) {
                synchronized (this) {
                    enrichment = ready(name);
                }
            }
            return enrichment;
        }

        /** Flows that went on without it. */
        long failedFlows() {
            return failed.total();
        }

        private FlowBatch enrich(FlowBatch batch) {
            try {
                FlowBatch enriched = current().enrich(batch);
                if (enriched == null) {
                    throw new IllegalStateException("it gave no batch");
                }
                return enriched;
            } catch (RuntimeException | LinkageError e) {
                LOG.debug("Enrichment {} failed", name, e);
                failed.add(
                        batch.size(),
                        (recent, total) ->
                                LOG.warn(
                                        "Enrichment {} failed for {} flows, {} since its start,"
                                                + " which go on without it: {}",
                                        name,
                                        recent,
                                        total,
                                        Failures.reason(e)));
                return batch;
            }
        }
    }

    private CamelContext camelContext;
    private String enrichments = "";
    private boolean registered;

    /** Null until the names have been looked up. */
    private volatile List<Step> steps;

    /** The same flows with all that is known of them. */
    public FlowBatch enrich(FlowBatch batch) {
        register();
        FlowBatch enriched = batch;
        for (Step step : started()) {
            enriched = step.enrich(enriched);
        }
        return enriched;
    }

    /** That of a Kamelet is not in the registry, where metrics look for it. */
    private synchronized void register() {
        if (!registered) {
            registered = true;
            if (!camelContext.getRegistry().findByType(Enricher.class).contains(this)) {
                KameletHook.register(camelContext, KAMELET_NAME, this);
            }
        }
    }

    /**
     * Looks the beans up and has them get ready; called by the first batch, if nobody has before.
     *
     * @throws IllegalArgumentException naming the one that is wrong, and why
     */
    public void start() {
        started();
    }

    private List<Step> started() {
        List<Step> known = steps;
        return known != null ? known : lookUp();
    }

    /** In the order in which they are applied; none before it is started. */
    List<Step> steps() {
        List<Step> known = steps;
        return known != null ? known : List.of();
    }

    private synchronized List<Step> lookUp() {
        if (steps == null) {
            List<Step> found = new ArrayList<>();
            Stream.of(enrichments.split(","))
                    .map(String::strip)
                    .filter(name -> !name.isEmpty())
                    .forEach(name -> found.add(new Step(name)));
            steps = List.copyOf(found);
        }
        return steps;
    }

    private Enrichment ready(String name) {
        if (!(camelContext.getRegistry().lookupByName(name) instanceof Enrichment enrichment)) {
            throw new IllegalArgumentException(
                    "enrich: there is no enrichment \"%s\"; there are: %s, and beans of type %s"
                            .formatted(
                                    name, String.join(", ", names()), Enrichment.class.getName()));
        }
        try {
            enrichment.start();
        } catch (RuntimeException e) {
            throw new IllegalArgumentException("enrich: " + name + ": " + e.getMessage(), e);
        }
        return enrichment;
    }

    private List<String> names() {
        return camelContext.getRegistry().findByTypeWithName(Enrichment.class).keySet().stream()
                .sorted()
                .toList();
    }

    public String getEnrichments() {
        return enrichments;
    }

    /** The names of beans, separated by commas, in the order in which they are applied. */
    public void setEnrichments(String enrichments) {
        this.enrichments = enrichments;
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
