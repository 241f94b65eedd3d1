// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.agent.AgentConfig.Collector;
import io.linuxflow.agent.AgentConfig.Hook;
import io.linuxflow.agent.AgentConfig.Log;
import io.linuxflow.agent.AgentConfig.Output;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;

/**
 * The Camel routes that do what a configuration file says: one a collector, one a log, in the YAML
 * DSL. They are what the agent runs, and what a user may go on with.
 */
public final class AgentRoutes {

    /** How often flows are looked at, unless the file asks for a faster timer. */
    private static final Duration DRAIN_INTERVAL = Duration.ofSeconds(5);

    /** As in routes/log.camel.yaml: JSON is made more slowly than IPFIX. */
    private static final int LOG_QUEUE = 131_072;

    private static final String COMMAND_HOOK = "io.linuxflow.enrich.CommandHook";

    private final AgentConfig config;
    private final Map<String, String> properties = new LinkedHashMap<>();

    /**
     * @param overrides properties that are to be other than the file and the defaults say: {@code
     *     meter.interfaces}
     */
    public AgentRoutes(AgentConfig config, Map<String, String> overrides) {
        this.config = config;
        Duration finished = config.finishedDrain();
        Duration drain = finished.compareTo(DRAIN_INTERVAL) < 0 ? finished : DRAIN_INTERVAL;
        properties.put("meter.interfaces", "attached");
        properties.put("drain.interval", seconds(drain));
        properties.put("flow.activeTimeout", seconds(config.forceDrain()));
        properties.put("flow.finishedDrain", seconds(finished));
        properties.put("ipfix.maxMessageLength", String.valueOf(config.maxMessageLength()));
        properties.put("ipfix.templateRefresh", seconds(config.templateFlush()));
        properties.put("metrics.address", "127.0.0.1");
        properties.put("metrics.port", "9999");
        properties.putAll(overrides);
    }

    private static String seconds(Duration duration) {
        return duration.toSeconds() + "s";
    }

    /** What the routes leave open, by name; they have the same values as defaults. */
    public Map<String, String> properties() {
        return Map.copyOf(properties);
    }

    /** {@link #properties} as {@code application.properties}. */
    public String propertiesText() {
        StringBuilder text = new StringBuilder("# Made of " + config.file() + ".\n");
        properties.forEach((name, value) -> text.append(name + "=" + value + "\n"));
        return text.toString();
    }

    /** The routes and their beans, in Camel's YAML DSL. */
    public String yaml() {
        return yaml(false);
    }

    /** The same routes, but each from {@code direct:} and its name, and without metrics. */
    String directYaml() {
        return yaml(true);
    }

    /** The names of the routes, in the order of the outputs. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        int collectors = 0;
        int logs = 0;
        for (Output output : config.outputs()) {
            names.add(output instanceof Collector ? "collector-" + ++collectors : "log-" + ++logs);
        }
        return names;
    }

    private String yaml(boolean direct) {
        List<Object> beans = new ArrayList<>();
        List<Object> routes = new ArrayList<>();
        if (!direct) {
            beans.add(
                    map(
                            "name",
                            "metrics",
                            "type",
                            "io.linuxflow.camel.MetricsServer",
                            "initMethod",
                            "start",
                            "destroyMethod",
                            "stop",
                            "properties",
                            map(
                                    "address", property("metrics.address"),
                                    "port", property("metrics.port"))));
        }
        if (!config.collectors().isEmpty()) {
            routes.add(map("routeTemplate", collectorTemplate(direct)));
        }
        Iterator<String> names = names().iterator();
        for (Output output : config.outputs()) {
            String name = names.next();
            if (output instanceof Collector collector) {
                beans.addAll(beans(name, collector));
                routes.add(map("templatedRoute", route(name, collector)));
            } else if (output instanceof Log log) {
                for (Hook hook : log.hooks()) {
                    beans.add(bean(hookName(name, log, hook), hook));
                }
                routes.add(map("route", route(name, log, direct)));
            }
        }
        routes.add(0, map("beans", beans));
        DumpSettings settings =
                DumpSettings.builder()
                        .setDefaultFlowStyle(FlowStyle.BLOCK)
                        .setIndicatorIndent(2)
                        .setIndentWithIndicator(true)
                        .setIndent(2)
                        .setWidth(100)
                        .build();
        return "# //DEPS io.linuxflow:linux-flow-exporter:%s\n#\n# Made of %s by flowctl agent --print-routes.\n"
                        .formatted(version(), config.file())
                + new Dump(settings).dumpToString(routes).replaceAll("(?m)^ {2}", "");
    }

    private static String version() {
        String version = AgentRoutes.class.getPackage().getImplementationVersion();
        return version == null ? "0.1.0" : version;
    }

    private String property(String name) {
        return "{{" + name + ":" + properties.get(name) + "}}";
    }

    private List<Object> beans(String name, Collector collector) {
        Map<String, Object> format = map("fields", config.fields());
        if (config.flowTemplate() != null) {
            format.put("templateIds", String.valueOf(config.flowTemplate().id()));
        }
        format.put("templateRefresh", property("ipfix.templateRefresh"));
        format.put("maxMessageLength", property("ipfix.maxMessageLength"));
        Map<String, Object> encoder = new LinkedHashMap<>();
        if (collector.local() != null) {
            encoder.put("localAddress", collector.local().toString());
        }
        return List.of(
                map(
                        "name",
                        name + "-ipfix",
                        "type",
                        "io.linuxflow.camel.IpfixDataFormat",
                        "properties",
                        format),
                map(
                        "name",
                        name + "-datagrams",
                        "type",
                        "io.linuxflow.camel.IpfixDatagramEncoder",
                        "properties",
                        encoder));
    }

    private Map<String, Object> source() {
        return map(
                "interfaces", property("meter.interfaces"),
                "pin", true,
                "drainInterval", property("drain.interval"),
                "activeTimeout", property("flow.activeTimeout"),
                "finishedDrain", property("flow.finishedDrain"));
    }

    /**
     * @param direct null if it is the meter
     */
    private Map<String, Object> from(
            String direct, Map<String, Object> parameters, List<Object> steps) {
        if (direct != null) {
            return map("uri", "direct:" + direct, "steps", steps);
        }
        return map("uri", "ebpf-flowmap:flows", "parameters", parameters, "steps", steps);
    }

    private static Object noErrorHandler() {
        // One of its own each: the same one would be written as an alias.
        return map("noErrorHandler", new LinkedHashMap<>());
    }

    /** As in routes/ipfix.camel.yaml, a template: Camel's tracer leaves it alone. */
    private Map<String, Object> collectorTemplate(boolean direct) {
        List<Object> steps =
                List.of(
                        map("bean", map("ref", "enrich", "method", "enrich")),
                        map("marshal", map("custom", map("ref", "{{name}}-ipfix"))),
                        map(
                                "to",
                                map(
                                        "uri",
                                        "netty:udp://{{address}}",
                                        "parameters",
                                        map(
                                                "encoders", "#{{name}}-datagrams",
                                                "producerPoolEnabled", false,
                                                "sync", false,
                                                "udpConnectionlessSending", true))));
        return map(
                "id",
                "collector",
                "parameters",
                List.of(map("name", "name"), map("name", "address")),
                "route",
                map(
                        "description",
                        "Flows to a collector of IPFIX",
                        "errorHandler",
                        noErrorHandler(),
                        "from",
                        from(direct ? "{{name}}" : null, source(), steps)));
    }

    private static Map<String, Object> route(String name, Collector collector) {
        return map(
                "routeTemplateRef",
                "collector",
                "routeId",
                name,
                "parameters",
                List.of(
                        map("name", "name", "value", name),
                        map("name", "address", "value", collector.remote().toString())));
    }

    private static String hookName(String log, Log of, Hook hook) {
        return log + "-hook-" + (of.hooks().indexOf(hook) + 1);
    }

    private static Map<String, Object> bean(String name, Hook hook) {
        Map<String, Object> options = new LinkedHashMap<>();
        if (hook.command() != null) {
            options.put("command", literal(hook.command()));
        } else {
            options.put("shell", literal(hook.shell()));
        }
        return map("name", name, "type", COMMAND_HOOK, "properties", options);
    }

    /**
     * A text that Camel is to take as it is, though a script looks, by its first line, like the
     * name of a bean. Hooks leave blanks at the beginning out.
     */
    private static String literal(String text) {
        return (text.startsWith("#") ? "\n" : "") + text;
    }

    /** The value of an option, in which Camel is not to decode anything, as of a URI. */
    private static String raw(String text) {
        return text.matches(".*[%+&].*") ? "RAW(" + text + ")" : text;
    }

    private Map<String, Object> route(String name, Log log, boolean direct) {
        List<Object> steps = new ArrayList<>();
        for (Hook hook : log.hooks()) {
            Map<String, Object> step = map("ref", hookName(name, log, hook), "method", "enrich");
            if (hook.name() != null) {
                step.put("description", hook.name());
            }
            steps.add(map("bean", step));
        }
        steps.add(map("bean", map("beanType", "io.linuxflow.camel.FlowJson", "method", "log")));
        Map<String, Object> parameters = map("appendNewLine", false);
        String uri =
                switch (log.file()) {
                    case "stdout" -> "stream:out";
                    case "stderr" -> "stream:err";
                    default -> "stream:file";
                };
        if (uri.equals("stream:file")) {
            parameters.put("fileName", raw(log.file()));
            // Opened for one batch only, so that it may be renamed.
            parameters.put("autoCloseCount", 1);
        }
        steps.add(map("to", map("uri", uri, "parameters", parameters)));
        Map<String, Object> source = source();
        source.put("queueCapacity", LOG_QUEUE);
        return map(
                "id",
                name,
                "description",
                "Flows to " + log.file(),
                "errorHandler",
                noErrorHandler(),
                "from",
                from(direct ? name : null, source, steps));
    }

    private static Map<String, Object> map(Object... keysAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            map.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return map;
    }
}
