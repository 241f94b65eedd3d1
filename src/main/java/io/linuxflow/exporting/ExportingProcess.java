// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.MessageWriter;

/** skeleton. */
public final class ExportingProcess {

    public ExportingProcess(ExportOptions options) {}

    /**
     * Appends the batch as Messages.
     *
     * @param now milliseconds since 1970-01-01 UTC: the Export Time
     */
    public void encode(FlowBatch batch, long now, MessageWriter out) {
        throw new UnsupportedOperationException();
    }

    /** Appends the Templates of every Observation Domain seen so far whose refresh is due. */
    public void encodeTemplates(long now, MessageWriter out) {
        throw new UnsupportedOperationException();
    }
}
