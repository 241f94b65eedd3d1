// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Hands the flows of a batch to somebody as a JSON array, and makes a batch of what comes back: the
 * same flows, fewer, more, in another order, with other values or more members.
 *
 * <p>Each object carries {@value #INDEX}, its place in the batch. What comes back with it is that
 * flow, whatever else was changed, and keeps all that is not in JSON. Without it, an object is the
 * flow whose addresses, ports, protocol and interfaces it has, or, if it has only some of them, the
 * flow at its place, provided that none is missing. Any other object is a new flow, which needs
 * addresses, protocol, counts and times.
 *
 * <p>Members of either shape change the record of the flow, where they differ from what was handed
 * out; those of the other shape are shown, too, of all flows that have them, once one came back
 * with them. Those with another name become columns: of the type of the Information Element of that
 * name, if there is one; else text, if all values are, or JSON. A member that was handed out and
 * did not come back is not shown any more, nor is one that came back as null: the batch gets a
 * column in its place which does not know it. The record keeps the value.
 */
public final class FlowReader {

    /** The member that tells which flow an object is. */
    public static final String INDEX = "flowIndex";

    /**
     * What came back.
     *
     * @param batch the flows; a view of the batch that was handed out if only columns are new
     * @param dropped how many flows did not come back
     * @param added how many flows are new
     */
    public record Result(FlowBatch batch, int dropped, int added) {}

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final ObjectReader READER = MAPPER.reader();

    /** By name, of both shapes. */
    private static final Map<String, FlowMember> MEMBERS = new HashMap<>();

    static {
        for (JsonShape shape : JsonShape.values()) {
            shape.members().forEach(member -> MEMBERS.put(member.name(), member));
        }
    }

    private static final int[] NEEDED = {
        FlowLayout.SOURCE_ADDRESS,
        FlowLayout.DESTINATION_ADDRESS,
        FlowLayout.PROTOCOL,
        FlowLayout.PACKETS,
        FlowLayout.OCTETS,
        FlowLayout.FIRST,
        FlowLayout.LAST
    };

    private final JsonShape shape;
    private final FlowBatch batch;

    /** The members that were handed out, unless a column takes their place. */
    private final List<FlowMember> members = new ArrayList<>();

    /** Of the flows that came back, those that came back without this one of {@link #members}. */
    private final List<BitSet> hidden = new ArrayList<>();

    private final Map<String, ColumnBuilder> columns = new LinkedHashMap<>();

    /** The names of the shape. */
    private final Set<String> names = new HashSet<>();

    /** Members of the other shape that came back. */
    private final Set<FlowMember> others = new LinkedHashSet<>();

    private byte[] records;
    private int size;

    /** Where each flow that came back was in the batch; -1 for a new one. */
    private int[] origins;

    private final BitSet returned = new BitSet();
    private boolean byPlace;
    private Map<String, Deque<Integer>> byKey;

    /**
     * @param shape the names of the members handed out
     * @param batch the flows
     */
    public FlowReader(JsonShape shape, FlowBatch batch) {
        this.shape = shape;
        this.batch = batch;
        for (FlowMember member : shape.members()) {
            names.add(member.name());
            if (batch.column(member.name()) == null) {
                members.add(member);
                hidden.add(new BitSet());
            }
        }
        for (Column column : batch.columns()) {
            columns.put(column.name(), new ColumnBuilder(column));
        }
    }

    /** Writes what is handed out: an array of objects. */
    public void write(OutputStream out) throws IOException {
        FlowWriter writer = new FlowWriter(shape, batch);
        try (JsonGenerator json = MAPPER.createGenerator(out)) {
            json.writeStartArray();
            for (Flow flow : batch) {
                json.writeStartObject();
                json.writeNumberField(INDEX, flow.index());
                writer.writeMembers(json, flow);
                json.writeEndObject();
            }
            json.writeEndArray();
        }
    }

    /**
     * Reads what comes back, once.
     *
     * @throws FlowJsonException if it is no array of flows; names the flow, counted from 0 as they
     *     came back, and the member
     */
    public Result read(InputStream in) throws IOException {
        records = new byte[batch.size() * FlowLayout.SIZE];
        origins = new int[batch.size()];
        try (JsonParser json = READER.createParser(in)) {
            JsonToken token = json.nextToken();
            if (token != JsonToken.START_ARRAY) {
                throw new FlowJsonException(
                        token == null
                                ? "it is empty, and no JSON array"
                                : "it is no JSON array: it begins with " + begin(json));
            }
            while (json.nextToken() != JsonToken.END_ARRAY) {
                JsonNode object = READER.readTree(json);
                if (!object.isObject()) {
                    throw new FlowJsonException(
                            "flow " + size + " is no object: " + ColumnFormat.brief(object));
                }
                read(object);
            }
            if (json.nextToken() != null) {
                throw new FlowJsonException("something follows the array: " + begin(json));
            }
        } catch (JsonProcessingException e) {
            throw new FlowJsonException("it is no JSON: " + e.getOriginalMessage());
        }
        if (byPlace && size != batch.size()) {
            throw new FlowJsonException(
                    "%d of %d flows are there, without %s, so which is which can't be told"
                            .formatted(size, batch.size(), INDEX));
        }
        return result();
    }

    private static String begin(JsonParser json) throws IOException {
        return switch (json.currentToken()) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            default -> json.getText();
        };
    }

    private void read(JsonNode object) throws FlowJsonException {
        if (size == origins.length) {
            int capacity = size + (size >> 1) + 16;
            origins = Arrays.copyOf(origins, capacity);
            records = Arrays.copyOf(records, Math.multiplyExact(capacity, FlowLayout.SIZE));
        }
        int origin = origin(object);
        origins[size] = origin;
        Flow flow = null;
        if (origin >= 0) {
            flow = batch.flow(origin);
            returned.set(origin);
        }
        fill(object, flow);
        size++;
    }

    /** The flow in the batch that an object is, -1 for none. */
    private int origin(JsonNode object) throws FlowJsonException {
        JsonNode index = object.get(INDEX);
        if (index != null) {
            if (batch.size() == 0) {
                throw wrong(INDEX, "there was no flow");
            }
            try {
                return (int) ColumnFormat.number(index, batch.size() - 1);
            } catch (IllegalArgumentException e) {
                throw wrong(INDEX, e.getMessage());
            }
        }
        Deque<Integer> flows = byKey().get(key(object));
        if (flows != null) {
            return flows.size() > 1 ? flows.remove() : flows.peek();
        }
        if (size < batch.size() && agrees(object, batch.flow(size))) {
            byPlace = true;
            return size;
        }
        return -1;
    }

    private Map<String, Deque<Integer>> byKey() {
        if (byKey == null) {
            byKey = new HashMap<>();
            for (Flow flow : batch) {
                byKey.computeIfAbsent(key(flow), any -> new ArrayDeque<>()).add(flow.index());
            }
        }
        return byKey;
    }

    private String key(Flow flow) {
        StringBuilder key = new StringBuilder();
        for (FlowMember member : members) {
            if (member.isOfKey() && member.isPresent(flow)) {
                key.append(member.name()).append('=').append(member.value(flow)).append('\n');
            }
        }
        return key.toString();
    }

    private String key(JsonNode object) {
        StringBuilder key = new StringBuilder();
        for (FlowMember member : members) {
            JsonNode value = member.isOfKey() ? object.get(member.name()) : null;
            if (value != null) {
                key.append(member.name()).append('=').append(value.asText()).append('\n');
            }
        }
        return key.toString();
    }

    /** Whether it has some of what tells flows from each other, and nothing else of it. */
    private boolean agrees(JsonNode object, Flow flow) {
        boolean some = false;
        for (FlowMember member : members) {
            JsonNode value = member.isOfKey() ? object.get(member.name()) : null;
            if (value != null) {
                if (!member.isPresent(flow)
                        || !value.asText().equals(member.value(flow).toString())) {
                    return false;
                }
                some = true;
            }
        }
        return some;
    }

    private void fill(JsonNode object, Flow flow) throws FlowJsonException {
        int at = size * FlowLayout.SIZE;
        int sourceVersion = 0;
        int destinationVersion = 0;
        int version = 0;
        if (flow == null) {
            Arrays.fill(records, at, at + FlowLayout.SIZE, (byte) 0);
            records[at + FlowLayout.DIRECTION] = 1;
            records[at + FlowLayout.END_REASON] = Flow.ACTIVE_TIMEOUT;
            checkNeeded(object);
        } else {
            System.arraycopy(
                    batch.records(), flow.index() * FlowLayout.SIZE, records, at, FlowLayout.SIZE);
            sourceVersion = destinationVersion = flow.ipVersion();
        }
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            String name = entry.getKey();
            JsonNode value = entry.getValue();
            if (value.isNull() || name.equals(INDEX)) {
                continue;
            }
            try {
                FlowMember member = MEMBERS.get(name);
                if (member != null) {
                    int read = member.read(value, flow, records, at);
                    if (read != 0) {
                        version = member.field() == FlowLayout.IP_VERSION ? read : version;
                        sourceVersion =
                                member.field() == FlowLayout.SOURCE_ADDRESS ? read : sourceVersion;
                        destinationVersion =
                                member.field() == FlowLayout.DESTINATION_ADDRESS
                                        ? read
                                        : destinationVersion;
                    }
                }
                if (member == null || columns.containsKey(name)) {
                    columns.computeIfAbsent(name, ColumnBuilder::new)
                            .set(size, value, origins[size]);
                } else if (!names.contains(name)) {
                    others.add(member);
                }
            } catch (IllegalArgumentException e) {
                throw wrong(name, e.getMessage());
            }
        }
        if (sourceVersion != destinationVersion || version != 0 && version != sourceVersion) {
            throw new FlowJsonException(
                    "flow %d: IPv%d source, IPv%d destination%s"
                            .formatted(
                                    size,
                                    sourceVersion,
                                    destinationVersion,
                                    version == 0 ? "" : ", ipVersion " + version));
        }
        records[at + FlowLayout.IP_VERSION] = (byte) sourceVersion;
        if (flow != null) {
            hide(object, flow);
        }
    }

    private void checkNeeded(JsonNode object) throws FlowJsonException {
        for (int field : NEEDED) {
            if (MEMBERS.values().stream()
                    .noneMatch(m -> m.field() == field && object.hasNonNull(m.name()))) {
                throw new FlowJsonException(
                        "flow %d has no %s, which tells the flow that it is, and no %s, which a new one needs"
                                .formatted(
                                        size,
                                        INDEX,
                                        shape.members().stream()
                                                .filter(m -> m.field() == field)
                                                .findFirst()
                                                .orElseThrow()
                                                .name()));
            }
        }
    }

    private void hide(JsonNode object, Flow flow) {
        for (int i = 0; i < members.size(); i++) {
            FlowMember member = members.get(i);
            if (!object.hasNonNull(member.name()) && member.isPresent(flow)) {
                hidden.get(i).set(size);
            }
        }
    }

    private FlowJsonException wrong(String member, String what) {
        return new FlowJsonException("flow " + size + ", member \"" + member + "\": " + what);
    }

    private Result result() {
        int dropped = batch.size() - returned.cardinality();
        int added = 0;
        boolean inPlace = size == batch.size();
        for (int i = 0; i < size; i++) {
            added += origins[i] < 0 ? 1 : 0;
            inPlace &= origins[i] == i;
        }
        boolean sameRecords =
                inPlace
                        && Arrays.equals(
                                records,
                                0,
                                size * FlowLayout.SIZE,
                                batch.records(),
                                0,
                                size * FlowLayout.SIZE);
        FlowBatch flows =
                sameRecords
                        ? batch
                        : new FlowBatch(records, size, batch.observationDomain())
                                .from(batch.namespace());
        List<Column> more = new ArrayList<>();
        for (ColumnBuilder column : columns.values()) {
            more.add(column.build(size, sameRecords));
        }
        for (int i = 0; i < members.size(); i++) {
            if (!hidden.get(i).isEmpty()) {
                more.add(column(members.get(i), hidden.get(i), flows));
            }
        }
        for (FlowMember other : others) {
            more.add(column(other, new BitSet(), flows));
        }
        return new Result(flows.with(more), dropped, added);
    }

    /** The values of a member, where it is not hidden. */
    private static Column column(FlowMember member, BitSet hidden, FlowBatch flows) {
        byte[][] values = new byte[flows.size()][];
        for (Flow flow : flows) {
            if (!hidden.get(flow.index()) && member.isPresent(flow)) {
                values[flow.index()] = member.octets(flow);
            }
        }
        return new Column(member.name(), member.type(), values);
    }
}
