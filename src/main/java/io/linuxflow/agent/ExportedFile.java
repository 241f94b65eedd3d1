// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.agent.AgentConfig.TemplateEntry;
import io.linuxflow.agent.FlowFile.FlowSet;
import io.linuxflow.exporting.ExportOptions;
import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.Template;
import java.util.ArrayList;
import java.util.List;

/**
 * The Messages of a {@link FlowFile}, those with the Templates first, as one Transport Session has
 * them.
 */
final class ExportedFile {

    private final MessageWriter writer = new MessageWriter();
    private final int room;
    private final long now;
    private int sequence;

    private ExportedFile(AgentConfig config, long now) {
        room = room(config.maxMessageLength());
        this.now = now;
    }

    /** Octets of records that a Message of that length has room for. */
    static int room(int maxMessageLength) {
        return maxMessageLength - MessageWriter.MESSAGE_HEADER - MessageWriter.SET_HEADER;
    }

    /**
     * @param now milliseconds since 1970-01-01 UTC, the Export Time
     * @return the Messages, one behind the other
     */
    static byte[] encode(AgentConfig config, FlowFile flows, long now) {
        ExportedFile file = new ExportedFile(config, now);
        file.templates(config.templates().values().stream().map(TemplateEntry::template).toList());
        flows.sets().forEach(file::flows);
        return file.writer.toByteArray();
    }

    private void start() {
        writer.startMessage(
                now / 1000, sequence, (int) ExportOptions.DEFAULT_OBSERVATION_DOMAIN_ID);
    }

    private void templates(List<Template> templates) {
        List<Template> fitting = new ArrayList<>();
        int octets = 0;
        for (Template template : templates) {
            if (octets + template.length() > room && !fitting.isEmpty()) {
                templateMessage(fitting);
                fitting.clear();
                octets = 0;
            }
            fitting.add(template);
            octets += template.length();
        }
        if (!fitting.isEmpty()) {
            templateMessage(fitting);
        }
    }

    private void templateMessage(List<Template> templates) {
        start();
        writer.writeTemplateSet(templates);
        writer.endMessage();
    }

    private void flows(FlowSet set) {
        int from = 0;
        while (from < set.records().size()) {
            start();
            writer.startSet(set.template().id());
            int octets = 0;
            int to = from;
            while (to < set.records().size() && octets + set.records().get(to).length <= room) {
                byte[] record = set.records().get(to++);
                writer.writeRecord(record);
                octets += record.length;
            }
            writer.endSet();
            writer.endMessage();
            sequence += to - from;
            from = to;
        }
    }
}
