// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.FlowBatch;

/**
 * Adds what it knows of the flows of a batch, as columns named after Information Elements. A route
 * names it as a bean. Safe for use by several threads.
 */
public interface Enrichment {

    /**
     * The same flows with more columns, or the batch itself if there is nothing to add. It is
     * called for every batch on its way to a sink, so it should not wait for anything.
     *
     * <p>If several routes ask for the same batch, {@link FlowBatch#once} has the work done once.
     */
    FlowBatch enrich(FlowBatch batch);

    /**
     * Gets ready, any number of times, before the first batch comes: what is wrong with a file,
     * say, is then known at once.
     *
     * @throws RuntimeException if it can't work, with what is wrong and the remedy
     */
    default void start() {}
}
