// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.nio.ByteBuffer;

/** skeleton. */
public final class IpfixReader {

    /**
     * What was read so far.
     *
     * @param messages Messages, without the malformed ones
     * @param malformedMessages Messages refused with an {@link IpfixException}
     * @param records Data Records, those of Options Templates included
     * @param undecodedSets Data Sets whose Template was not known
     * @param lostRecords Data Records missing by the sequence numbers
     * @param lateRecords Data Records that came out of order, counted as lost before
     */
    public record Counters(
            long messages,
            long malformedMessages,
            long records,
            long undecodedSets,
            long lostRecords,
            long lateRecords) {}

    /** With IANA's elements and a store with the default bounds. */
    public IpfixReader() {
        this(ElementRegistry.iana(), new TemplateStore());
    }

    public IpfixReader(ElementRegistry registry, TemplateStore store) {}

    /**
     * Reads one Message, from the buffer's position on. Afterwards the position is behind the
     * Message, also when it was malformed; at the limit when not even its length can be trusted. So
     * a caller may go on with the next one while there are octets left.
     *
     * @param source who sent it: equal for all Messages of one Transport Session
     */
    public synchronized Message read(Object source, ByteBuffer octets) throws IpfixException {
        throw new UnsupportedOperationException();
    }

    public synchronized Counters counters() {
        throw new UnsupportedOperationException();
    }
}
