// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.agent.AgentConfig.TemplateEntry;
import io.linuxflow.agent.YamlFile.Value;
import io.linuxflow.exporting.Nearest;
import io.linuxflow.ipfix.ElementRegistry;
import io.linuxflow.ipfix.FieldSpecifier;
import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.Template;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Flows that somebody has made up, to be sent as Data Records of a configuration's Templates.
 *
 * @param sets in the order of the file
 */
public record FlowFile(List<FlowSet> sets) {

    /**
     * Flows of one Template.
     *
     * @param records encoded, see {@link MessageWriter#record}
     */
    public record FlowSet(Template template, List<byte[]> records) {}

    /**
     * Reads a file.
     *
     * @throws ConfigException with all that can't be sent
     */
    public static FlowFile read(Path path, AgentConfig config) {
        YamlFile file = new YamlFile(path);
        List<FlowSet> sets = new ArrayList<>();
        Value list = file.root().members(List.of("flowsets")).get("flowsets");
        if (list == null) {
            file.root().problem("flowsets is missing");
        } else {
            for (Value set : list.items()) {
                Map<String, Value> members = set.members(List.of("templateId", "flows"));
                Optional<Template> template = template(set, members, config);
                if (!members.containsKey("flows")) {
                    set.problem("flows is missing");
                } else if (template.isPresent()) {
                    List<byte[]> records = new ArrayList<>();
                    for (Value flow : members.get("flows").items()) {
                        record(flow, template.get(), config.maxMessageLength())
                                .ifPresent(records::add);
                    }
                    sets.add(new FlowSet(template.get(), records));
                }
            }
        }
        file.check();
        return new FlowFile(sets);
    }

    private static Optional<Template> template(
            Value set, Map<String, Value> members, AgentConfig config) {
        Value id = members.get("templateId");
        if (id == null) {
            set.problem("templateId is missing");
            return Optional.empty();
        }
        Optional<TemplateEntry> entry =
                id.number(Template.MIN_ID, Template.MAX_ID)
                        .map(
                                number -> {
                                    TemplateEntry found = config.templates().get(number);
                                    if (found == null) {
                                        id.problem(
                                                "%s has no template %d, only %s"
                                                        .formatted(
                                                                config.file(),
                                                                number,
                                                                config.templates().keySet()));
                                    }
                                    return found;
                                });
        return entry.map(TemplateEntry::template);
    }

    private static Optional<byte[]> record(Value flow, Template template, int maxMessageLength) {
        Map<String, Value> given = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        given.putAll(flow.members());
        given.forEach(
                (name, value) -> {
                    if (ElementRegistry.iana().byName(name).isEmpty()) {
                        value.problem(
                                "no Information Element; the nearest are "
                                        + Nearest.of(
                                                name, ElementRegistry.iana().names().stream()));
                    }
                });
        List<Object> values = new ArrayList<>();
        for (FieldSpecifier field : template.fields()) {
            Value value = given.get(field.element().name());
            if (value == null) {
                flow.problem(
                        "%s is missing, which template %d has"
                                .formatted(field.element().name(), template.id()));
            } else {
                value.text()
                        .ifPresent(
                                text -> {
                                    try {
                                        Object parsed = ElementText.parse(field, text);
                                        field.element().type().encode(parsed, field.length());
                                        values.add(parsed);
                                    } catch (IllegalArgumentException e) {
                                        value.problem(e.getMessage());
                                    }
                                });
            }
        }
        if (values.size() < template.fields().size()) {
            return Optional.empty();
        }
        byte[] record = MessageWriter.record(template, values);
        if (record.length > ExportedFile.room(maxMessageLength)) {
            flow.problem(
                    "a record of %d octets does not fit into a Message of maxIpfixMessageLen %d"
                            .formatted(record.length, maxMessageLength));
        }
        return Optional.of(record);
    }
}
