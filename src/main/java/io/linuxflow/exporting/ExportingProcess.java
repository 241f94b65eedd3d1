// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static io.linuxflow.ipfix.MessageWriter.MESSAGE_HEADER;
import static io.linuxflow.ipfix.MessageWriter.SET_HEADER;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.Template;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The Exporting Process of one Transport Session (RFC 7011, section 2): batches of flows in,
 * Messages out. It counts sequence numbers and knows when Templates are due, per Observation
 * Domain; sending is not its business.
 *
 * <p>Messages are self-delimiting, so the octets of several are also a TCP stream or an IPFIX File
 * (RFC 5655). As many consecutive Messages as possible are of equal length: that is what UDP
 * segmentation offload asks for.
 *
 * <p>Not safe for use by several threads. Once its arrays have grown to the size of the batches it
 * allocates nothing.
 */
public final class ExportingProcess {

    private final int maxMessageLength;
    private final long templateRefresh;
    private final long firstObservationDomainId;
    private final List<Template> templates;
    private final RecordFormat[] formats;

    /** The format of a flow by {@link #selector}. */
    private final byte[] formatOf = new byte[2 * 256];

    /** Offsets of the flow records of each format, and how many. */
    private final int[][] offsets;

    private final int[] counts;

    /** The columns that fields are made of. */
    private final ColumnSource[] columns;

    private final Consumer<String> warn;
    private boolean columnsChecked;

    private final Map<Integer, Domain> domains = new HashMap<>();
    private final Run run = new Run();

    /** Begins a Transport Session: sequence numbers start at 0, Templates are due. */
    public ExportingProcess(ExportOptions options) {
        this(options, warning -> {});
    }

    /**
     * Begins a Transport Session: sequence numbers start at 0, Templates are due.
     *
     * @param warn told once if the first flows lack columns that fields are made of, so that these
     *     are exported as zero or empty
     */
    public ExportingProcess(ExportOptions options, Consumer<String> warn) {
        this.warn = warn;
        FieldList fields = options.fields();
        maxMessageLength = options.maxMessageLength();
        templateRefresh = options.templateRefresh().toMillis();
        firstObservationDomainId = options.observationDomainId();
        templates = fields.templates();
        formats = fields.formats().toArray(RecordFormat[]::new);
        offsets = new int[formats.length][0];
        counts = new int[formats.length];
        columns = fields.columns().toArray(ColumnSource[]::new);
        run.columns = new Column[columns.length];
        run.longestRecord = maxMessageLength - MESSAGE_HEADER - SET_HEADER;
        for (int ipVersion : new int[] {4, 6}) {
            for (int protocol = 0; protocol < 256; protocol++) {
                formatOf[selector(ipVersion, protocol)] =
                        (byte) fields.formatOf(FlowKind.of(ipVersion, protocol));
            }
        }
    }

    /**
     * Appends a batch as Messages, Templates first if they are due.
     *
     * @param now milliseconds since 1970-01-01 UTC, the Export Time
     * @param out where the Messages are appended to; not cleared
     */
    public void encode(FlowBatch batch, long now, MessageWriter out) {
        Domain domain = domain(batch.observationDomain());
        sort(batch);
        run.flows = batch.records();
        run.observationDomainId = domain.id;
        for (int i = 0; i < columns.length; i++) {
            run.columns[i] = columns[i].of(batch);
        }
        if (!columnsChecked && batch.size() > 0) {
            columnsChecked = true;
            checkColumns(batch);
        }
        // A remainder that is last can go out together with the full Messages before it.
        if (domain.templatesDue(now)) {
            startMessage(domain, now, out);
            writeTemplates(domain, now, out);
            encodeRemainders(domain, now, out);
            encodeFullMessages(domain, now, out);
        } else {
            encodeFullMessages(domain, now, out);
            encodeRemainders(domain, now, out);
        }
        run.flows = null;
        Arrays.fill(run.columns, null);
    }

    /**
     * Appends the Templates of every Observation Domain seen so far for which they are due, so that
     * a collector can be kept informed while there are no flows.
     *
     * @param now milliseconds since 1970-01-01 UTC, the Export Time
     */
    public void encodeTemplates(long now, MessageWriter out) {
        for (Domain domain : domains.values()) {
            if (domain.templatesDue(now)) {
                startMessage(domain, now, out);
                writeTemplates(domain, now, out);
                out.endMessage();
            }
        }
    }

    /**
     * Values that were too large for the length they are exported in, such as {@code
     * octetDeltaCount:4}; the largest value that fits was exported in their place.
     */
    public long cappedValues() {
        return run.capped;
    }

    /**
     * Texts that were exported in part: longer than the fixed length asked for, such as {@code
     * interfaceName:8}, or than a Message of {@code maxMessageLength} has room for. A record is
     * never left out for that: its texts get what room there is, the first ones first.
     */
    public long cutTexts() {
        return run.cut;
    }

    private void checkColumns(FlowBatch batch) {
        Map<String, String> missing = new LinkedHashMap<>();
        for (int format = 0; format < formats.length; format++) {
            if (counts[format] > 0) {
                for (FlowField field : formats[format].madeOfColumns()) {
                    String remedy = field.column().remedy(batch);
                    if (remedy != null) {
                        missing.put(field.name(), remedy);
                    }
                }
            }
        }
        if (!missing.isEmpty()) {
            warn.accept(
                    "Exported as zero or empty, since flows come without: "
                            + missing.entrySet().stream()
                                    .map(e -> e.getKey() + " (" + e.getValue() + ")")
                                    .collect(Collectors.joining(", ")));
        }
    }

    private Domain domain(int index) {
        Domain known = domains.get(index);
        return known == null ? newDomain(index) : known;
    }

    private Domain newDomain(int index) {
        long id = firstObservationDomainId + index;
        if (id < 0 || id > ExportOptions.MAX_OBSERVATION_DOMAIN_ID) {
            throw new IllegalArgumentException(
                    "Observation Domain "
                            + index
                            + " counted from ID "
                            + firstObservationDomainId
                            + " exceeds 32 bits: choose a lower Observation Domain ID");
        }
        Domain domain = new Domain((int) id);
        domains.put(index, domain);
        return domain;
    }

    /** 4 and 6 differ in the second bit. */
    private static int selector(int ipVersion, int protocol) {
        return (ipVersion & 2) << 7 | protocol;
    }

    /** Sorts the flows of the batch by their formats. */
    private void sort(FlowBatch batch) {
        byte[] flows = batch.records();
        int size = batch.size();
        for (int format = 0; format < formats.length; format++) {
            counts[format] = 0;
            if (offsets[format].length < size) {
                offsets[format] = new int[size];
            }
        }
        for (int at = 0, end = size * FlowLayout.SIZE; at < end; at += FlowLayout.SIZE) {
            int protocol = flows[at + FlowLayout.PROTOCOL] & 0xff;
            int format = formatOf[selector(flows[at + FlowLayout.IP_VERSION], protocol)];
            offsets[format][counts[format]++] = at;
        }
    }

    /** Of each format of fixed length, as many Messages as it fills. */
    private void encodeFullMessages(Domain domain, long now, MessageWriter out) {
        for (int format = 0; format < formats.length; format++) {
            int end = fullMessages(format);
            if (end > 0) {
                run.offsets = offsets[format];
                int capacity = capacity(format);
                int octets = capacity * formats[format].recordLength();
                for (int from = 0; from < end; from += capacity) {
                    startMessage(domain, now, out);
                    run.from = from;
                    run.to = from + capacity;
                    encodeSet(domain, format, octets, out);
                    out.endMessage();
                }
            }
        }
    }

    /** What is left of all formats, packed into the Message begun, if one is, and new ones. */
    private void encodeRemainders(Domain domain, long now, MessageWriter out) {
        for (int format = 0; format < formats.length; format++) {
            run.offsets = offsets[format];
            run.to = fullMessages(format);
            while (run.to < counts[format]) {
                if (out.messageLength() == 0) {
                    startMessage(domain, now, out);
                }
                run.from = run.to;
                int octets = fit(format, maxMessageLength - out.messageLength() - SET_HEADER);
                if (octets == 0) {
                    out.endMessage();
                } else {
                    encodeSet(domain, format, octets, out);
                }
            }
        }
        if (out.messageLength() > 0) {
            out.endMessage();
        }
    }

    /**
     * Has the run end where its Data Records have filled the room. One always fits into a Message
     * of its own.
     *
     * @return octets of the records
     */
    private int fit(int format, int room) {
        RecordFormat records = formats[format];
        if (records.isFixedLength()) {
            int fit = Math.max(room, 0) / records.recordLength();
            run.to = Math.min(run.from + fit, counts[format]);
            return (run.to - run.from) * records.recordLength();
        }
        int octets = 0;
        while (run.to < counts[format]) {
            int length = records.recordLength(run, run.to);
            if (octets + length > room) {
                break;
            }
            octets += length;
            run.to++;
        }
        return octets;
    }

    /** Data Records that a Message holds if it has nothing else. */
    private int capacity(int format) {
        return run.longestRecord / formats[format].recordLength();
    }

    /** Flows of this format that go into full Messages; none if their length varies. */
    private int fullMessages(int format) {
        return formats[format].isFixedLength()
                ? counts[format] - counts[format] % capacity(format)
                : 0;
    }

    private void startMessage(Domain domain, long now, MessageWriter out) {
        out.startMessage(now / 1000, domain.sequence, domain.id);
    }

    /** Into the Message begun and, if it can't hold them all, further ones; the last stays open. */
    private void writeTemplates(Domain domain, long now, MessageWriter out) {
        int from = 0;
        int octets = 0;
        for (int to = 0; to < templates.size(); to++) {
            int length = templates.get(to).length();
            if (octets + length > run.longestRecord) {
                out.writeTemplateSet(templates.subList(from, to));
                out.endMessage();
                startMessage(domain, now, out);
                from = to;
                octets = 0;
            }
            octets += length;
        }
        out.writeTemplateSet(templates.subList(from, templates.size()));
        domain.templatesSent = now;
        domain.hasTemplates = true;
    }

    /** The records of the run as a Set. */
    private void encodeSet(Domain domain, int format, int octets, MessageWriter out) {
        out.startSet(formats[format].template().id());
        int at = out.extend(octets);
        run.out = out.array();
        formats[format].encode(run, at, at + octets);
        out.endSet();
        domain.sequence += run.to - run.from;
    }

    /** What a collector has been told of an Observation Domain. */
    private final class Domain {
        private final int id;

        /** Data Records sent, modulo 2^32. */
        private int sequence;

        private boolean hasTemplates;
        private long templatesSent;

        Domain(int id) {
            this.id = id;
        }

        /** Also when the clock was set back: nobody knows how long ago it was then. */
        boolean templatesDue(long now) {
            long age = now - templatesSent;
            return !hasTemplates || templateRefresh > 0 && (age >= templateRefresh || age < 0);
        }
    }
}
