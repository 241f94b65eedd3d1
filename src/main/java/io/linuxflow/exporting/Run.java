// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowLayout;

/**
 * Data Records that are encoded together, field by field: flows {@code [from, to)} of a list become
 * records that stand back to back. One instance is used again and again.
 */
final class Run {

    /** Flow records, see {@link io.linuxflow.flow.FlowLayout}. */
    byte[] flows;

    /** Offsets in {@link #flows}, one a flow record. */
    int[] offsets;

    /** What {@link FieldList#columns} names; null for what the batch doesn't have. */
    Column[] columns;

    int from;
    int to;

    /** Where the Data Records go. */
    byte[] out;

    /** Octets from one Data Record to the next. */
    int recordLength;

    /** observationDomainId. */
    int observationDomainId;

    /** Octets that a Data Record may have at most, else its texts are cut. */
    int longestRecord;

    /** Values too large for the length they were to have; counted up. */
    long capped;

    /** Texts too long for the room there was; counted up. */
    long cut;

    /** What the column says of a flow of {@link #offsets}, null if nothing. */
    byte[] value(int column, int flow) {
        Column values = columns[column];
        return values == null ? null : values.value(offsets[flow] / FlowLayout.SIZE);
    }

    void countCut(byte[] text, int length) {
        if (text != null && length < text.length) {
            cut++;
        }
    }
}
