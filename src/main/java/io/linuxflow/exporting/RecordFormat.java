// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.FieldSpecifier;
import io.linuxflow.ipfix.Template;
import java.util.List;

/** A Template, and how flow records become Data Records of it. */
final class RecordFormat {

    private final Template template;
    private final int recordLength;
    private final Encoding[] encodings;
    private final int[] members;
    private final int[] lengths;

    RecordFormat(int templateId, List<FieldList.Item> items) {
        template =
                new Template(
                        templateId,
                        items.stream()
                                .map(i -> new FieldSpecifier(i.field().element(), i.length()))
                                .toList());
        recordLength = template.minimumRecordLength();
        encodings =
                items.stream().map(i -> i.field().encoding(i.length())).toArray(Encoding[]::new);
        members = items.stream().mapToInt(i -> i.field().member()).toArray();
        lengths = items.stream().mapToInt(FieldList.Item::length).toArray();
    }

    Template template() {
        return template;
    }

    /** Octets of a Data Record: no flow field is of variable length. */
    int recordLength() {
        return recordLength;
    }

    /** Encodes all records of the run, the first one at this offset of its output. */
    void encode(Run run, int at) {
        run.recordLength = recordLength;
        int field = at;
        for (int i = 0; i < encodings.length; i++) {
            encodings[i].encode(run, members[i], field, lengths[i]);
            field += lengths[i];
        }
    }
}
