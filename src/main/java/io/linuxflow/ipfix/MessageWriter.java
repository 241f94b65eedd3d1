// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.io.ByteArrayOutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * Writes Messages back to back into an array that grows as needed and is kept for the next use, so
 * that writing allocates nothing once the array is large enough. Not safe for use by several
 * threads.
 */
public final class MessageWriter {

    /** Octets of a Message Header (RFC 7011, section 3.1). */
    public static final int MESSAGE_HEADER = 16;

    /** Octets of a Set Header (RFC 7011, section 3.3.2). */
    public static final int SET_HEADER = 4;

    /** The Length of a Message is a 16-bit field. */
    public static final int MAX_MESSAGE_LENGTH = 0xffff;

    static final int VERSION = 10;
    static final int TEMPLATE_SET = 2;
    static final int OPTIONS_TEMPLATE_SET = 3;
    static final int ENTERPRISE_BIT = 0x8000;

    static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final int NONE = -1;

    private byte[] array = new byte[2048];
    private int length;
    private int message = NONE;
    private int set = NONE;

    /** Forgets all that was written; the array stays. */
    public void clear() {
        length = 0;
        message = NONE;
        set = NONE;
    }

    /** The array: the Messages are its first {@link #length()} octets. */
    public byte[] array() {
        return array;
    }

    /** Octets written. */
    public int length() {
        return length;
    }

    /** A copy of what was written. */
    public byte[] toByteArray() {
        return Arrays.copyOf(array, length);
    }

    /** Octets of the Message begun, so far; 0 if there is none. */
    public int messageLength() {
        return message == NONE ? 0 : length - message;
    }

    /**
     * Begins a Message.
     *
     * @param exportTime seconds since 1970-01-01 UTC
     * @param sequenceNumber Data Records sent before, modulo 2^32
     * @param observationDomainId unsigned
     */
    public void startMessage(long exportTime, int sequenceNumber, int observationDomainId) {
        expect(message == NONE, "a Message is begun already");
        message = extend(MESSAGE_HEADER);
        SHORT.set(array, message, (short) VERSION);
        INT.set(array, message + 4, (int) exportTime);
        INT.set(array, message + 8, sequenceNumber);
        INT.set(array, message + 12, observationDomainId);
    }

    /** Begins a Set, of 2 or a Template ID. */
    public void startSet(int id) {
        expect(message != NONE && set == NONE, "a Set stands in a Message, not in a Set");
        set = extend(SET_HEADER);
        SHORT.set(array, set, (short) id);
    }

    /**
     * Room for that many octets more. The array may be another one afterwards.
     *
     * @return where they start
     */
    public int extend(int octets) {
        int from = length;
        length = Math.addExact(length, octets);
        if (length > array.length) {
            array =
                    Arrays.copyOf(
                            array,
                            Math.max(
                                    length,
                                    (int) Math.min(2L * array.length, Integer.MAX_VALUE - 8)));
        }
        return from;
    }

    /** Writes Templates, none of them an Options Template, as a Set of their own. */
    public void writeTemplateSet(Iterable<Template> templates) {
        startSet(TEMPLATE_SET);
        for (Template template : templates) {
            int at = extend(template.length());
            SHORT.set(array, at, (short) template.id());
            SHORT.set(array, at + 2, (short) template.fields().size());
            at += 4;
            for (FieldSpecifier field : template.fields()) {
                InformationElement element = field.element();
                boolean enterprise = element.enterprise() != 0;
                SHORT.set(
                        array,
                        at,
                        (short) (enterprise ? ENTERPRISE_BIT | element.id() : element.id()));
                SHORT.set(array, at + 2, (short) field.length());
                if (enterprise) {
                    INT.set(array, at + 4, (int) element.enterprise());
                }
                at += field.specifierLength();
            }
        }
        endSet();
    }

    /**
     * Writes one Data Record into the Set begun, which is of that Template. For flows by the
     * million there are faster ways.
     *
     * @param values as {@link AbstractDataType#encode} takes them, in the order of the fields
     * @throws IllegalArgumentException naming the field whose value is none of its type; then
     *     nothing is written
     */
    public void writeRecord(Template template, List<?> values) {
        writeRecord(record(template, values));
    }

    /** Writes one Data Record, as {@link #record} makes it, into the Set begun. */
    public void writeRecord(byte[] record) {
        expect(set != NONE, "a Data Record stands in a Set");
        int at = extend(record.length);
        System.arraycopy(record, 0, array, at, record.length);
    }

    /**
     * A Data Record as {@link #writeRecord} writes it.
     *
     * @throws IllegalArgumentException naming the field whose value is none of its type
     */
    public static byte[] record(Template template, List<?> values) {
        if (values.size() != template.fields().size()) {
            throw new IllegalArgumentException(
                    "Template %d has %d fields, not %d"
                            .formatted(template.id(), template.fields().size(), values.size()));
        }
        ByteArrayOutputStream record = new ByteArrayOutputStream();
        for (int i = 0; i < values.size(); i++) {
            FieldSpecifier field = template.fields().get(i);
            try {
                byte[] octets = field.element().type().encode(values.get(i), field.length());
                if (field.isVariableLength()) {
                    writeLength(record, octets.length);
                }
                record.writeBytes(octets);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        field.element().name() + ": " + e.getMessage(), e);
            }
        }
        return record.toByteArray();
    }

    /** RFC 7011, section 7: one octet, or 255 and two more. */
    private static void writeLength(ByteArrayOutputStream record, int length) {
        if (length >= 255) {
            record.write(255);
            record.write(length >> 8);
        }
        record.write(length);
    }

    /** Ends the Set begun. */
    public void endSet() {
        expect(set != NONE, "no Set is begun");
        SHORT.set(array, set + 2, (short) (length - set));
        set = NONE;
    }

    /** Ends the Message begun. */
    public void endMessage() {
        expect(message != NONE && set == NONE, "no Message is begun, or its Set has not ended");
        int octets = length - message;
        expect(octets <= MAX_MESSAGE_LENGTH, "a Message exceeds 65535 octets");
        SHORT.set(array, message + 2, (short) octets);
        message = NONE;
    }

    private static void expect(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalStateException(otherwise);
        }
    }
}
