// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.agent.YamlFile.Value;
import io.linuxflow.exporting.EnterpriseElements;
import io.linuxflow.exporting.ExportOptions;
import io.linuxflow.exporting.FieldList;
import io.linuxflow.exporting.Nearest;
import io.linuxflow.exporting.TemplateIds;
import io.linuxflow.ipfix.ElementRegistry;
import io.linuxflow.ipfix.FieldSpecifier;
import io.linuxflow.ipfix.InformationElement;
import io.linuxflow.ipfix.Template;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the configuration file of wide-vsix/linux-flow-exporter says, in the form it has now and in
 * the older one that its README shows ({@code collectors}, and templates that list plain names).
 *
 * @param maxMessageLength maxIpfixMessageLen: most octets of a Message
 * @param finishedDrain timerFinishedDrainSeconds: how long after its end a flow goes out at the
 *     latest
 * @param forceDrain timerForceDrainSeconds: how long until a record goes out though its flow goes
 *     on
 * @param templateFlush timerTemplateFlushSeconds: how often Templates are sent again
 * @param outputs where flows go, in the order of the file
 * @param templates by their IDs, in the order of the file
 * @param flowTemplate the one that flows are exported with; null for our default
 * @param notes what the user should know though it is no error, a line each
 */
public record AgentConfig(
        Path file,
        int maxMessageLength,
        Duration finishedDrain,
        Duration forceDrain,
        Duration templateFlush,
        List<Output> outputs,
        Map<Integer, TemplateEntry> templates,
        TemplateEntry flowTemplate,
        List<String> notes) {

    /** Where flows go. */
    public sealed interface Output permits Collector, Log {}

    /**
     * A collector of IPFIX over UDP.
     *
     * @param remote its address
     * @param local where datagrams are to come from; null if that doesn't matter
     */
    public record Collector(HostPort remote, HostPort local) implements Output {}

    /**
     * A file of JSON objects, one a line.
     *
     * @param file its path, or stdout or stderr
     * @param hooks what changes the flows before, in this order
     */
    public record Log(String file, List<Hook> hooks) implements Output {}

    /**
     * A program that flows go through.
     *
     * @param command its path; null if it is a script
     * @param shell the script; null if it is a program
     */
    public record Hook(String name, String command, String shell) {}

    /**
     * A Template of the file.
     *
     * @param line where it begins
     * @param fields its elements, as {@link FieldList} takes them: {@code tcpControlBits:1}
     */
    public record TemplateEntry(int id, int line, List<String> fields) {

        /** As it is sent. */
        public Template template() {
            return new Template(id, fields.stream().map(TemplateEntry::field).toList());
        }

        static FieldSpecifier field(String text) {
            String[] parts = text.split(":", 2);
            InformationElement element =
                    ElementRegistry.iana()
                            .byName(parts[0])
                            .orElseThrow(
                                    () ->
                                            new IllegalArgumentException(
                                                    "no Information Element is called "
                                                            + parts[0]));
            return new FieldSpecifier(
                    element, parts.length == 1 ? element.type().length() : length(parts[1]));
        }

        private static int length(String text) {
            if (!text.matches("[0-9]{1,5}")) {
                throw new IllegalArgumentException("'" + text + "' is no number of octets");
            }
            return Integer.parseInt(text);
        }
    }

    /** What the file is read for. */
    public enum Purpose {
        /** Flows of the kernel are exported. */
        FLOWS,
        /** Only its collectors and templates matter: flows come from another file. */
        FLOW_FILE
    }

    /** The Template that the Go program exports all flows with. */
    private static final int GO_TEMPLATE = 1004;

    /** The elements that the Go program sends shorter than they are registered. */
    private static final Map<String, Integer> GO_LENGTHS = Map.of("tcpcontrolbits", 1);

    private static final int MAX_SECONDS = 365 * 86_400;

    /** What IP and UDP headers leave of 65,535 octets. */
    private static final int MAX_DATAGRAM = 65_507;

    /**
     * Reads a file.
     *
     * @param template the ID of the Template to export flows with; null for the one that the Go
     *     program would use, or the only one
     * @throws ConfigException with all that can't be honoured
     */
    public static AgentConfig read(Path path, Purpose purpose, Integer template) {
        return new Reader(path, purpose, template).read();
    }

    /** The collectors among the outputs. */
    public List<Collector> collectors() {
        return outputs.stream()
                .filter(Collector.class::isInstance)
                .map(Collector.class::cast)
                .toList();
    }

    /** How flows are exported. */
    public ExportOptions exportOptions() {
        return exportOptions(maxMessageLength, flowTemplate, templateFlush);
    }

    /** The fields that flows are exported with. */
    public String fields() {
        return flowTemplate == null
                ? FieldList.DEFAULT_ELEMENTS
                : String.join(",", flowTemplate.fields);
    }

    private static ExportOptions exportOptions(
            int maxMessageLength, TemplateEntry template, Duration templateFlush) {
        FieldList fields =
                template == null
                        ? FieldList.DEFAULT
                        : FieldList.parse(
                                String.join(",", template.fields),
                                EnterpriseElements.NONE,
                                TemplateIds.parse(String.valueOf(template.id)));
        return new ExportOptions(
                fields,
                maxMessageLength,
                templateFlush,
                ExportOptions.DEFAULT_OBSERVATION_DOMAIN_ID);
    }

    private static final class Reader {
        private final Path path;
        private final Purpose purpose;
        private final Integer wantedTemplate;
        private final YamlFile file;
        private final Map<String, Value> root;
        private final List<Output> outputs = new ArrayList<>();
        private final Map<Integer, TemplateEntry> templates = new LinkedHashMap<>();
        private final Map<Integer, List<Value>> templateFields = new LinkedHashMap<>();
        private final List<String> notes = new ArrayList<>();

        Reader(Path path, Purpose purpose, Integer wantedTemplate) {
            this.path = path;
            this.purpose = purpose;
            this.wantedTemplate = wantedTemplate;
            file = new YamlFile(path);
            root =
                    file.root()
                            .members(
                                    List.of(
                                            "maxIpfixMessageLen",
                                            "timerFinishedDrainSeconds",
                                            "timerForceDrainSeconds",
                                            "timerTemplateFlushSeconds",
                                            "outputs",
                                            "collectors",
                                            "templates"));
        }

        AgentConfig read() {
            int maxMessageLength =
                    Optional.ofNullable(root.get("maxIpfixMessageLen"))
                            .flatMap(v -> v.number(1, MAX_DATAGRAM))
                            .orElse(ExportOptions.DEFAULT_MAX_MESSAGE_LENGTH);
            Duration finishedDrain = seconds("timerFinishedDrainSeconds", 5);
            Duration forceDrain = seconds("timerForceDrainSeconds", 30);
            Duration templateFlush = seconds("timerTemplateFlushSeconds", 60);
            List<Value> listed = items("outputs");
            List<Value> collectors = items("collectors");
            listed.forEach(this::output);
            collectors.forEach(item -> outputs.add(collector(item, true)));
            items("templates").forEach(this::template);
            if (listed.isEmpty() && collectors.isEmpty()) {
                file.root().problem("no outputs: give at least one collector or log");
            }
            TemplateEntry flows =
                    purpose == Purpose.FLOWS && outputs.stream().anyMatch(o -> !(o instanceof Log))
                            ? flowTemplate(maxMessageLength, templateFlush)
                            : null;
            if (purpose == Purpose.FLOW_FILE) {
                templates.values().forEach(entry -> checkLength(entry, maxMessageLength));
            }
            file.check();
            return new AgentConfig(
                    path,
                    maxMessageLength,
                    finishedDrain,
                    forceDrain,
                    templateFlush,
                    List.copyOf(outputs),
                    templates,
                    flows,
                    List.copyOf(notes));
        }

        private Duration seconds(String key, int otherwise) {
            return Duration.ofSeconds(
                    Optional.ofNullable(root.get(key))
                            .flatMap(value -> value.number(1, MAX_SECONDS))
                            .orElse(otherwise));
        }

        private List<Value> items(String key) {
            return root.containsKey(key) ? root.get(key).items() : List.of();
        }

        private void output(Value output) {
            Map<String, Value> members = output.members(List.of("collector", "log"));
            Value collector = members.get("collector");
            Value log = members.get("log");
            if (collector != null) {
                outputs.add(collector(collector, false));
            }
            if (log != null) {
                outputs.add(log(log));
            }
            if (collector != null && log != null) {
                output.problem("is both collector and log: make two outputs of it");
            } else if (collector == null && log == null && members.isEmpty()) {
                output.problem("has to be a collector or a log");
            }
        }

        private Collector collector(Value collector, boolean older) {
            Map<String, Value> members =
                    collector.members(
                            older
                                    ? List.of("remoteAddress", "localAddress", "address")
                                    : List.of("remoteAddress", "localAddress"));
            Value remote = members.get("remoteAddress");
            Value address = older ? members.get("address") : null;
            if (remote != null && address != null) {
                address.problem("is the same as remoteAddress: leave one of them out");
            } else if (remote == null && address == null) {
                collector.problem("remoteAddress is missing: give HOST:PORT");
            }
            Value local = members.get("localAddress");
            HostPort to = address(remote != null ? remote : address, false);
            HostPort from = address(local, true);
            if (to != null && from != null && from.contradicts(to)) {
                local.problem(from + " and the remote address " + to + " are of two IP versions");
            }
            return new Collector(to, from);
        }

        private static HostPort address(Value value, boolean local) {
            if (value == null) {
                return null;
            }
            Optional<String> text = value.text();
            try {
                return text.map(t -> HostPort.parse(t, local)).orElse(null);
            } catch (IllegalArgumentException e) {
                value.problem(e.getMessage());
                return null;
            }
        }

        private Log log(Value log) {
            Map<String, Value> members = log.members(List.of("file", "hooks"));
            Value name = members.get("file");
            if (name == null) {
                log.problem("file is missing: give a path");
            }
            String text = name == null ? null : name.text().orElse(null);
            if (text != null && text.contains("://")) {
                name.problem(text + " is a URL: give a path, stdout or stderr");
            }
            if (text != null && (text.contains("{{") || text.contains(")&"))) {
                name.problem(text + " holds {{ or )&, which mean something to Camel: give another");
            }
            List<Hook> hooks = new ArrayList<>();
            if (members.containsKey("hooks")) {
                members.get("hooks").items().forEach(hook -> hooks.add(hook(hook)));
            }
            return new Log(text, List.copyOf(hooks));
        }

        private static Hook hook(Value hook) {
            Map<String, Value> members = hook.members(List.of("name", "command", "shell"));
            Optional<String> command = text(members.get("command"));
            Optional<String> shell = text(members.get("shell"));
            if (shell.isPresent() && shell.get().contains("{{")) {
                members.get("shell")
                        .problem(
                                "holds {{, which Camel would replace: put the script into a file,"
                                        + " and name that by command");
            }
            boolean given = members.containsKey("command");
            if (given == members.containsKey("shell")) {
                hook.problem(
                        given
                                ? "has both command and shell: make two hooks of it"
                                : "has neither command nor shell: give one of them");
            }
            return new Hook(
                    text(members.get("name")).orElse(null),
                    command.orElse(null),
                    shell.orElse(null));
        }

        private static Optional<String> text(Value value) {
            return value == null ? Optional.empty() : value.text();
        }

        private void template(Value template) {
            Map<String, Value> members = template.members(List.of("id", "template"));
            Value idValue = members.get("id");
            Value fieldsValue = members.get("template");
            if (idValue == null) {
                template.problem("id is missing: give a Template ID, 256 to 65535");
            }
            if (fieldsValue == null) {
                template.problem("template is missing: give a list of Information Elements");
            }
            List<Value> values = fieldsValue == null ? List.of() : fieldsValue.items();
            if (fieldsValue != null && fieldsValue.isList() && values.isEmpty()) {
                fieldsValue.problem("has no fields: give a list of Information Elements");
            }
            List<String> fields = new ArrayList<>();
            Set<String> seen = new HashSet<>();
            for (Value value : values) {
                Value name = value.isScalar() ? value : value.members(List.of("name")).get("name");
                if (name == null) {
                    value.problem("name is missing");
                    continue;
                }
                name.text()
                        .ifPresent(
                                text -> {
                                    String field = field(name, text);
                                    fields.add(field);
                                    if (!seen.add(field.toLowerCase(Locale.ROOT))) {
                                        name.problem(text + " is in the template twice");
                                    }
                                });
            }
            if (idValue != null) {
                idValue.number(Template.MIN_ID, Template.MAX_ID)
                        .ifPresent(
                                id -> {
                                    TemplateEntry before =
                                            templates.putIfAbsent(
                                                    id,
                                                    new TemplateEntry(id, template.line(), fields));
                                    if (before != null) {
                                        idValue.problem(
                                                id + " is there already, in line " + before.line);
                                    } else {
                                        templateFields.put(id, values);
                                    }
                                });
            }
        }

        /** The field as {@link FieldList} takes it, in the length that the Go program sends. */
        private static String field(Value value, String text) {
            String[] parts = text.split(":", 2);
            Optional<InformationElement> element = ElementRegistry.iana().byName(parts[0]);
            if (element.isEmpty()) {
                value.problem(
                        "no Information Element is called "
                                + parts[0]
                                + "; the nearest are "
                                + Nearest.of(parts[0], ElementRegistry.iana().names().stream()));
                return text;
            }
            Integer length = GO_LENGTHS.get(parts[0].toLowerCase(Locale.ROOT));
            String field =
                    element.get().name()
                            + (parts.length == 2
                                    ? ":" + parts[1]
                                    : length == null ? "" : ":" + length);
            try {
                TemplateEntry.field(field);
            } catch (IllegalArgumentException e) {
                value.problem(text + ": " + e.getMessage());
            }
            return field;
        }

        private void checkLength(TemplateEntry entry, int maxMessageLength) {
            int length;
            try {
                length = entry.template().length();
            } catch (IllegalArgumentException e) {
                return; // its fields are a problem already
            }
            int room = ExportedFile.room(maxMessageLength);
            if (length > room) {
                messageLength()
                        .problem(
                                "%d is too little for template %d (line %d), which needs %d"
                                        .formatted(
                                                maxMessageLength,
                                                entry.id,
                                                entry.line,
                                                maxMessageLength - room + length));
            }
        }

        /** Where the file says how long Messages are; without that, what they are too short for. */
        private Value messageLength() {
            Value said = root.get("maxIpfixMessageLen");
            return said != null ? said : root.getOrDefault("templates", file.root());
        }

        private TemplateEntry flowTemplate(int maxMessageLength, Duration templateFlush) {
            TemplateEntry chosen = choose();
            if (chosen == null) {
                if (templates.isEmpty()) {
                    checkOptions(maxMessageLength, null, templateFlush);
                }
                return null;
            }
            boolean valid = true;
            for (int i = 0; i < templateFields.get(chosen.id).size(); i++) {
                Value value = templateFields.get(chosen.id).get(i);
                if (i < chosen.fields.size() && isElement(chosen.fields.get(i))) {
                    try {
                        FieldList.checkItem(chosen.fields.get(i));
                    } catch (IllegalArgumentException e) {
                        value.problem(e.getMessage());
                        valid = false;
                    }
                } else {
                    valid = false;
                }
            }
            if (valid && !chosen.fields.isEmpty()) {
                checkOptions(maxMessageLength, chosen, templateFlush);
            }
            List<String> unused =
                    templates.values().stream()
                            .filter(entry -> entry != chosen)
                            .map(entry -> entry.id + " (line " + entry.line + ")")
                            .toList();
            if (!unused.isEmpty()) {
                notes.add(
                        "%s: flows are exported with template %d, as the Go program does; not used: %s"
                                .formatted(
                                        file.at(chosen.line),
                                        chosen.id,
                                        String.join(", ", unused)));
            }
            return chosen;
        }

        private void checkOptions(
                int maxMessageLength, TemplateEntry template, Duration templateFlush) {
            try {
                exportOptions(maxMessageLength, template, templateFlush);
            } catch (IllegalArgumentException e) {
                (e.getMessage().startsWith("maximum Message length")
                                ? messageLength()
                                : root.get("templates"))
                        .problem(e.getMessage());
            }
        }

        private static boolean isElement(String field) {
            return ElementRegistry.iana().byName(field.split(":", 2)[0]).isPresent();
        }

        private TemplateEntry choose() {
            Value at = root.getOrDefault("templates", file.root());
            if (wantedTemplate != null) {
                TemplateEntry wanted = templates.get(wantedTemplate);
                if (wanted == null) {
                    at.problem("there is no template " + wantedTemplate + "; " + all());
                }
                return wanted;
            }
            if (templates.containsKey(GO_TEMPLATE)) {
                return templates.get(GO_TEMPLATE);
            }
            if (templates.size() > 1) {
                at.problem(
                        "flows are exported with one template, with the Go program always "
                                + GO_TEMPLATE
                                + ", which is missing; choose by --template; "
                                + all());
                return null;
            }
            if (templates.isEmpty()) {
                notes.add(path + ": has no templates: flows are exported with the default fields");
                return null;
            }
            return templates.values().iterator().next();
        }

        private String all() {
            return templates.isEmpty()
                    ? "there are none"
                    : "there are "
                            + templates.values().stream()
                                    .map(entry -> entry.id + " (line " + entry.line + ")")
                                    .collect(Collectors.joining(", "));
        }
    }
}
