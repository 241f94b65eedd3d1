// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

/**
 * Data Records that are encoded together, field by field: flows {@code [from, to)} of a list become
 * records that stand back to back. One instance is used again and again.
 */
final class Run {

    /** Flow records, see {@link io.linuxflow.flow.FlowLayout}. */
    byte[] flows;

    /** Offsets in {@link #flows}, one a flow record. */
    int[] offsets;

    int from;
    int to;

    /** Where the Data Records go. */
    byte[] out;

    /** Octets from one Data Record to the next. */
    int recordLength;

    /** observationDomainId. */
    int observationDomainId;

    /** Values too large for the length they were to have; counted up. */
    long capped;
}
