// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

/**
 * What an enrichment knows about each flow of a {@link FlowBatch}, under one name. Immutable.
 *
 * <p>A value is its octets, as they go into an IPFIX record; flows may share an array, so that no
 * value has to be made for each flow. Flows of which nothing is known have null.
 */
public final class Column {

    /** What the octets of a value are. */
    public enum Type {
        /** An unsigned number, in network byte order: 1, 2, 4 or 8 octets, as its element has. */
        UNSIGNED,
        /** An IPv4 or IPv6 address: 4 or 16 octets. */
        ADDRESS,
        /** Text in UTF-8. */
        TEXT,
        /** Any JSON value, as text in UTF-8. */
        JSON
    }

    private final String name;
    private final Type type;
    private final int size;

    /** Null if no flow has a value. */
    private final byte[][] values;

    /**
     * Takes over the arrays; the caller must not write to them any more.
     *
     * @param name that of the Information Element, if there is one; the key in JSON
     * @param type what all values are
     * @param values one for each flow, in the order of the batch; null where there is none
     */
    public Column(String name, Type type, byte[][] values) {
        this(name, type, values.length, values);
    }

    private Column(String name, Type type, int size, byte[][] values) {
        this.name = name;
        this.type = type;
        this.size = size;
        this.values = values;
    }

    /** A column in which no flow has a value; it takes no memory for each. */
    public static Column empty(String name, Type type, int size) {
        return new Column(name, type, size, null);
    }

    public String name() {
        return name;
    }

    public Type type() {
        return type;
    }

    /** The number of flows. */
    public int size() {
        return size;
    }

    /** Whether it was made for flows of which none has a value. */
    public boolean isEmpty() {
        return values == null;
    }

    /** The octets of the value of a flow, null if it has none. Not to be written to. */
    public byte[] value(int flow) {
        return values == null ? null : values[flow];
    }

    /** Short on purpose: tracers and loggers print message bodies. */
    @Override
    public String toString() {
        return name;
    }
}
