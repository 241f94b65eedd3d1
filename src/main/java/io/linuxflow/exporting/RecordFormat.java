// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.FieldSpecifier;
import io.linuxflow.ipfix.Template;
import java.util.Arrays;
import java.util.List;

/**
 * A Template, and how flow records become Data Records of it.
 *
 * <p>Fields of fixed length are encoded for many records at once, as if there were no others. If
 * there are texts of variable length, what was encoded so is then moved apart to let them in.
 */
final class RecordFormat {

    private final Template template;

    /** Of the fields of fixed length: octets of them all, and one element each. */
    private final int fixedLength;

    private final Encoding[] encodings;
    private final int[] sources;
    private final int[] lengths;

    /**
     * The columns that are texts of variable length, and the octets of fixed length before each.
     */
    private final int[] texts;

    private final int[] before;

    /** Octets of fixed length behind the last text. */
    private final int after;

    private final List<FlowField> madeOfColumns;

    /**
     * @param columns the columns by their index in {@link Run#columns}
     */
    RecordFormat(int templateId, List<FieldList.Item> items, List<ColumnSource> columns) {
        template =
                new Template(
                        templateId,
                        items.stream()
                                .map(i -> new FieldSpecifier(i.field().element(), i.length()))
                                .toList());
        List<FieldList.Item> fixed = items.stream().filter(i -> !i.isVariableLength()).toList();
        encodings =
                fixed.stream().map(i -> i.field().encoding(i.length())).toArray(Encoding[]::new);
        sources = fixed.stream().mapToInt(i -> source(i.field(), columns)).toArray();
        lengths = fixed.stream().mapToInt(FieldList.Item::length).toArray();
        fixedLength = Arrays.stream(lengths).sum();

        texts = new int[items.size() - fixed.size()];
        before = new int[texts.length];
        int text = 0;
        int octets = 0;
        for (FieldList.Item item : items) {
            if (item.isVariableLength()) {
                texts[text] = source(item.field(), columns);
                before[text++] = octets;
                octets = 0;
            } else {
                octets += item.length();
            }
        }
        after = octets;
        madeOfColumns =
                items.stream()
                        .map(FieldList.Item::field)
                        .filter(field -> field.column() != null)
                        .toList();
    }

    private static int source(FlowField field, List<ColumnSource> columns) {
        return field.column() == null ? field.member() : columns.indexOf(field.column());
    }

    Template template() {
        return template;
    }

    /** The fields that are made of columns. */
    List<FlowField> madeOfColumns() {
        return madeOfColumns;
    }

    /** Whether all Data Records are of one length. */
    boolean isFixedLength() {
        return texts.length == 0;
    }

    /** Octets of a Data Record, if all are of one length. */
    int recordLength() {
        return fixedLength;
    }

    /** Octets of the Data Record of a flow. */
    int recordLength(Run run, int flow) {
        int room = roomForTexts(run);
        int length = fixedLength;
        for (int column : texts) {
            int field = Text.fieldLength(Text.fit(run.value(column, flow), room));
            length += field;
            room -= field - 1;
        }
        return length;
    }

    /** Octets that the texts of a record may take beyond what empty ones take. */
    private int roomForTexts(Run run) {
        return run.longestRecord - fixedLength - texts.length;
    }

    /** Encodes all records of the run into octets {@code [at, end)} of its output. */
    void encode(Run run, int at, int end) {
        int fixed = end - (run.to - run.from) * fixedLength;
        encodeFixed(run, fixed);
        if (texts.length > 0) {
            insertTexts(run, fixed, at);
        }
    }

    private void encodeFixed(Run run, int at) {
        run.recordLength = fixedLength;
        int field = at;
        for (int i = 0; i < encodings.length; i++) {
            encodings[i].encode(run, sources[i], field, lengths[i]);
            field += lengths[i];
        }
    }

    /**
     * Moves the fields of fixed length from where they stand, back to back and up to the end of the
     * output, to the front, with the texts between them. What is still to be written is never less
     * than what is still to be moved, so nothing is overwritten before it was moved.
     */
    private void insertTexts(Run run, int from, int to) {
        byte[] out = run.out;
        int fixed = from;
        int at = to;
        for (int flow = run.from; flow < run.to; flow++) {
            int room = roomForTexts(run);
            for (int i = 0; i < texts.length; i++) {
                System.arraycopy(out, fixed, out, at, before[i]);
                fixed += before[i];
                byte[] text = run.value(texts[i], flow);
                int length = Text.fit(text, room);
                int field = at + before[i];
                at = Text.write(text, length, out, field);
                room -= at - field - 1;
                run.countCut(text, length);
            }
            System.arraycopy(out, fixed, out, at, after);
            fixed += after;
            at += after;
        }
    }
}
