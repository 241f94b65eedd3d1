// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

/**
 * The flows of the meter of one network namespace that are not handed out, all of one moment. One
 * that is in both places is the sum of its two records.
 *
 * @param log the kernel's number of the meter's slots
 * @param inKernel those in slots
 * @param inCache those in the flow cache
 */
record FlowDump(int log, int observationDomain, FlowCopies inKernel, FlowCopies inCache)
        implements AutoCloseable {

    @Override
    public void close() {
        inKernel.close();
        inCache.close();
    }
}
