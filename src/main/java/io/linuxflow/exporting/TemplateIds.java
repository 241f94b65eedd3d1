// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.Template;
import java.util.ArrayList;
import java.util.List;

/**
 * The IDs of the Templates, in the order of {@link FieldList#templates}: those listed, then counted
 * on from the last one of them.
 */
public final class TemplateIds {

    /** From 256 on. */
    public static final TemplateIds DEFAULT = new TemplateIds(List.of(Template.MIN_ID));

    private final List<Integer> listed;

    private TemplateIds(List<Integer> listed) {
        this.listed = listed;
    }

    /**
     * Parses one ID or several with commas between them. Those that are not needed don't matter.
     *
     * @throws IllegalArgumentException naming the ID that is out of range or there twice
     */
    public static TemplateIds parse(String list) {
        List<Integer> ids = new ArrayList<>();
        for (String text : list.split(",", -1)) {
            String id = text.strip();
            ids.add(valid(id.matches("[0-9]{1,9}") ? Integer.parseInt(id) : -1, id, ids));
        }
        return new TemplateIds(List.copyOf(ids));
    }

    /**
     * @throws IllegalArgumentException if counting on leads beyond the last ID, or to one listed
     */
    List<Integer> take(int count) {
        List<Integer> ids = new ArrayList<>(listed.subList(0, Math.min(count, listed.size())));
        while (ids.size() < count) {
            int next = ids.get(ids.size() - 1) + 1;
            ids.add(valid(next, next + ", counted on from the last one listed,", ids));
        }
        return ids;
    }

    private static int valid(int id, String text, List<Integer> others) {
        if (id < Template.MIN_ID || id > Template.MAX_ID) {
            throw new IllegalArgumentException(
                    "Template ID "
                            + text
                            + " is out of range: "
                            + Template.MIN_ID
                            + " to "
                            + Template.MAX_ID);
        }
        if (others.contains(id)) {
            throw new IllegalArgumentException(
                    "Template ID " + text + " is there twice: each Template needs its own");
        }
        return id;
    }
}
