// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import io.linuxflow.ipfix.Message.UndecodedSet;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The decoding half of a Collecting Process (RFC 7011, section 9): Messages in, typed values out,
 * from any number of Transport Sessions. A malformed Message is refused as a whole and changes
 * nothing: neither Templates nor the sequence number expected next. Safe for use by several
 * threads.
 */
public final class IpfixReader {

    /**
     * What was read so far.
     *
     * @param messages Messages, without the malformed ones
     * @param malformedMessages Messages refused with an {@link IpfixException}
     * @param records Data Records, those of Options Templates included
     * @param undecodedSets Sets that could not be decoded, see {@link UndecodedSet}
     * @param lostRecords Data Records missing by the sequence numbers
     * @param lateRecords Data Records in Messages that were overtaken by later ones; they have been
     *     counted as lost before
     * @param evictedSessions pairs of source and Observation Domain forgotten to make room for new
     *     ones
     */
    public record Counters(
            long messages,
            long malformedMessages,
            long records,
            long undecodedSets,
            long lostRecords,
            long lateRecords,
            long evictedSessions) {}

    /** The first octet of a variable-length field whose length is in the next two (section 7). */
    private static final byte LONG_FORM = (byte) 255;

    private static final int NETFLOW_V9 = 9;

    private final ElementRegistry registry;
    private final TemplateStore store;
    private long messages;
    private long malformedMessages;
    private long records;
    private long undecodedSets;
    private long lostRecords;
    private long lateRecords;

    /** With IANA's elements and a store with the default bounds. */
    public IpfixReader() {
        this(ElementRegistry.iana(), new TemplateStore());
    }

    /**
     * @param registry the elements known by name and type; values of others are octets
     * @param store where Templates are kept; no other reader may use it
     */
    public IpfixReader(ElementRegistry registry, TemplateStore store) {
        this.registry = registry;
        this.store = store;
    }

    /**
     * Reads one Message from the buffer's position on. Afterwards the position is behind the
     * Message, also when it was malformed, or at the limit when not even its length can be trusted:
     * a caller may go on while there are octets left.
     *
     * @param source who sent it: equal for all Messages of one Transport Session, different for
     *     others
     * @throws IpfixException if the Message is malformed
     */
    public synchronized Message read(Object source, ByteBuffer octets) throws IpfixException {
        try {
            return new Parser(source, nextMessage(octets)).parse();
        } catch (IpfixException e) {
            malformedMessages++;
            throw e;
        }
    }

    /** What was read so far. */
    public synchronized Counters counters() {
        return new Counters(
                messages,
                malformedMessages,
                records,
                undecodedSets,
                lostRecords,
                lateRecords,
                store.evicted());
    }

    /** Takes it out of the buffer. */
    private static byte[] nextMessage(ByteBuffer octets) throws IpfixException {
        int remaining = octets.remaining();
        int start = octets.position();
        octets.position(octets.limit());
        if (remaining < MessageWriter.MESSAGE_HEADER) {
            throw new IpfixException(
                    remaining + " octets are too few for a Message Header of 16 (RFC 7011, 3.1)");
        }
        int version = unsigned16(octets, start);
        if (version != MessageWriter.VERSION) {
            throw new IpfixException(
                    "version "
                            + version
                            + " is not IPFIX, which is 10"
                            + (version == NETFLOW_V9 ? ": set the exporter to IPFIX" : "")
                            + " (RFC 7011, 3.1)");
        }
        int length = unsigned16(octets, start + 2);
        if (length < MessageWriter.MESSAGE_HEADER || length > remaining) {
            throw new IpfixException(
                    "a Message of "
                            + length
                            + " octets by its header, in "
                            + remaining
                            + " octets (RFC 7011, 3.1)");
        }
        byte[] message = new byte[length];
        octets.position(start).get(message);
        return message;
    }

    /** Whatever byte order the caller has set the buffer to. */
    private static int unsigned16(ByteBuffer octets, int at) {
        return (octets.get(at) & 0xff) << 8 | octets.get(at + 1) & 0xff;
    }

    /** One Message. Offsets are octets from the start of the Message. */
    private final class Parser {
        private final Object source;
        private final byte[] octets;
        private final long domain;
        private final TemplateStore.Session session;

        private final List<Template> defined = new ArrayList<>();
        private final List<DataRecord> decoded = new ArrayList<>();
        private final List<UndecodedSet> undecoded = new ArrayList<>();

        /** The session's own until this Message changes them, then a copy. */
        private Map<Integer, Template> templates;

        private int set;

        Parser(Object source, byte[] message) {
            this.source = source;
            this.octets = message;
            this.domain = unsigned32(12);
            this.session = store.session(source, domain);
            this.templates = session.templates;
        }

        Message parse() throws IpfixException {
            for (int at = MessageWriter.MESSAGE_HEADER; at < octets.length; ) {
                at = set(at);
            }
            set = 0;
            if (fields() > store.maxFields()) {
                throw malformed(
                        0,
                        "its Templates exceed this reader's bound of "
                                + store.maxFields()
                                + " fields for a source",
                        "8");
            }
            return accept();
        }

        private Message accept() throws IpfixException {
            long exportTime = unsigned32(4);
            long sequence = unsigned32(8);
            session.templates = templates;
            store.keep(source, domain, session);
            long lost = follow((int) sequence, exportTime);
            messages++;
            records += decoded.size();
            undecodedSets += undecoded.size();
            lostRecords += lost;
            return new Message(
                    Instant.ofEpochSecond(exportTime),
                    sequence,
                    domain,
                    defined,
                    decoded,
                    undecoded,
                    lost);
        }

        /** Data Records missing before this Message (RFC 7011, section 3.1). */
        private long follow(int sequence, long exportTime) {
            int ahead = sequence - session.nextSequence;
            boolean overtaken =
                    session.sequenceKnown && ahead < 0 && exportTime <= session.exportTime;
            if (overtaken) {
                lateRecords += decoded.size();
                return 0;
            }
            // Behind, but sent later: the Exporting Process has started anew.
            long lost = session.sequenceKnown && ahead > 0 ? ahead : 0;
            session.exportTime = exportTime;
            session.nextSequence = sequence + decoded.size();
            session.sequenceKnown = undecoded.isEmpty();
            return lost;
        }

        private int set(int at) throws IpfixException {
            set = 0;
            if (octets.length - at < MessageWriter.SET_HEADER) {
                throw malformed(at, "too few octets left for a Set Header", "3.3.2");
            }
            set = unsigned16(at);
            int length = unsigned16(at + 2);
            if (length < MessageWriter.SET_HEADER || length > octets.length - at) {
                throw malformed(
                        at,
                        "a Set of "
                                + length
                                + " octets where "
                                + (octets.length - at)
                                + " are left in the Message",
                        "3.3.2");
            }
            int from = at + MessageWriter.SET_HEADER;
            int end = at + length;
            Template template = templates.get(set);
            if (set == MessageWriter.TEMPLATE_SET || set == MessageWriter.OPTIONS_TEMPLATE_SET) {
                templateSet(from, end);
            } else if (template != null) {
                dataSet(template, from, end);
            } else {
                undecoded.add(new UndecodedSet(set, length));
            }
            return end;
        }

        private void templateSet(int from, int end) throws IpfixException {
            if (templates == session.templates) {
                templates = new HashMap<>(templates);
            }
            // What is shorter than a Template Record is padding.
            for (int at = from; end - at >= 4; ) {
                at = templateRecord(at, end);
            }
        }

        private int fields() {
            int sum = 0;
            if (templates != session.templates) {
                for (Template template : templates.values()) {
                    sum += template.fields().size();
                }
            }
            return sum;
        }

        private int templateRecord(int from, int end) throws IpfixException {
            int id = unsigned16(from);
            int count = unsigned16(from + 2);
            boolean options = set == MessageWriter.OPTIONS_TEMPLATE_SET;
            int at = from + 4;
            if (count == 0) {
                withdraw(id, options, from);
                return at;
            }
            if (id < Template.MIN_ID) {
                throw malformed(from, "Template ID " + id + " is below 256", "3.4.1");
            }
            int scope = 0;
            if (options) {
                if (end - at < 2) {
                    throw malformed(at, "the Options Template Record is cut off", "3.4.2.2");
                }
                scope = unsigned16(at);
                at += 2;
                if (scope == 0 || scope > count) {
                    throw malformed(
                            from,
                            "Options Template "
                                    + id
                                    + " has "
                                    + scope
                                    + " scope fields of "
                                    + count
                                    + " fields",
                            "3.4.2.2");
                }
            }
            if (4L * count > end - at) {
                throw malformed(
                        from,
                        "Template "
                                + id
                                + " with "
                                + count
                                + " fields does not fit in "
                                + (end - at)
                                + " octets",
                        "3.4.1");
            }
            List<FieldSpecifier> fields = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                fields.add(fieldSpecifier(id, at, end));
                at += specifierLength(at);
            }
            Template template = new Template(id, fields, scope);
            templates.put(id, template);
            defined.add(template);
            return at;
        }

        private FieldSpecifier fieldSpecifier(int template, int at, int end) throws IpfixException {
            int needed = end - at < 4 ? 4 : specifierLength(at);
            if (end - at < needed) {
                throw malformed(
                        at, "a Field Specifier of Template " + template + " is cut off", "3.2");
            }
            int id = unsigned16(at) & InformationElement.MAX_ID;
            int length = unsigned16(at + 2);
            long enterprise = needed == 8 ? unsigned32(at + 4) : 0;
            if (length == 0) {
                throw malformed(
                        at, "a field of Template " + template + " is empty, element " + id, "3.2");
            }
            InformationElement element =
                    registry.byId(id, enterprise)
                            .orElseGet(() -> InformationElement.unknown(id, enterprise));
            return new FieldSpecifier(element.ofType(element.type().forLength(length)), length);
        }

        /** By the enterprise bit, also if the number behind it is 0, IANA's own. */
        private int specifierLength(int at) {
            return (unsigned16(at) & MessageWriter.ENTERPRISE_BIT) != 0 ? 8 : 4;
        }

        /** RFC 7011, section 8.1: one of them, or all of a kind under the ID of their Set. */
        private void withdraw(int id, boolean options, int at) throws IpfixException {
            if (id == set) {
                templates.values().removeIf(template -> template.isOptions() == options);
            } else if (id >= Template.MIN_ID) {
                templates.remove(id);
            } else {
                throw malformed(at, "withdrawal of Template ID " + id, "8.1");
            }
        }

        private void dataSet(Template template, int from, int end) throws IpfixException {
            int minimum = template.minimumRecordLength();
            // What is shorter than a record is padding (RFC 7011, 3.3.1).
            for (int at = from; end - at >= minimum; ) {
                at = dataRecord(template, at, end);
            }
        }

        private int dataRecord(Template template, int from, int end) throws IpfixException {
            List<FieldSpecifier> fields = template.fields();
            Object[] values = new Object[fields.size()];
            int at = from;
            for (int i = 0; i < values.length; i++) {
                FieldSpecifier field = fields.get(i);
                int length = field.length();
                if (field.isVariableLength()) {
                    int prefix = at < end && octets[at] == LONG_FORM ? 3 : 1;
                    if (end - at < prefix) {
                        throw malformed(from, "a Data Record is cut off before " + field, "7");
                    }
                    length = prefix == 1 ? octets[at] & 0xff : unsigned16(at + 1);
                    at += prefix;
                }
                if (length > end - at) {
                    throw malformed(
                            from,
                            "a Data Record is cut off in its field " + field,
                            field.isVariableLength() ? "7" : "3.4.3");
                }
                try {
                    values[i] = field.element().type().decode(octets, at, at + length);
                } catch (IllegalArgumentException e) {
                    throw malformed(at, "the value of " + field + ": " + e.getMessage(), "6.1");
                }
                at += length;
            }
            decoded.add(new DataRecord(template, values));
            return at;
        }

        private IpfixException malformed(int offset, String what, String section) {
            return new IpfixException(
                    "malformed Message of Observation Domain "
                            + domain
                            + ": "
                            + what
                            + ", at offset "
                            + offset
                            + (set == 0 ? "" : " in Set " + set)
                            + " (RFC 7011, "
                            + section
                            + ")");
        }

        private int unsigned16(int at) {
            return Short.toUnsignedInt((short) MessageWriter.SHORT.get(octets, at));
        }

        private long unsigned32(int at) {
            return Integer.toUnsignedLong((int) MessageWriter.INT.get(octets, at));
        }
    }
}
