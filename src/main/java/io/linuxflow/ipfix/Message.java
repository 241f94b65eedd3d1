// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.time.Instant;
import java.util.List;

/**
 * A Message that was read (RFC 7011, section 3).
 *
 * @param exportTime when it left the Exporter, in whole seconds
 * @param sequenceNumber Data Records that the Observation Domain had sent before it, modulo 2^32
 * @param observationDomainId the Observation Domain, 32 bits, unsigned
 * @param templates the Templates and Options Templates it defined
 * @param records its Data Records, those of Options Templates included
 * @param undecoded its Sets that nothing is known about but their length
 * @param lost Data Records missing between the Message before it and this one
 */
public record Message(
        Instant exportTime,
        long sequenceNumber,
        long observationDomainId,
        List<Template> templates,
        List<DataRecord> records,
        List<UndecodedSet> undecoded,
        long lost) {

    /**
     * A Data Set whose Template is not known, or a Set with one of the IDs that RFC 7011 reserves.
     * The former is normal when a Collecting Process starts after the Exporting Process, until the
     * Templates are sent again.
     *
     * @param id its Set ID, which is the Template's ID
     * @param octets its length, Set Header included
     */
    public record UndecodedSet(int id, int octets) {}

    public Message {
        templates = List.copyOf(templates);
        records = List.copyOf(records);
        undecoded = List.copyOf(undecoded);
    }
}
