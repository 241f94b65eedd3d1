// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.agent.Agent;
import io.linuxflow.agent.AgentConfig;
import io.linuxflow.agent.AgentRoutes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Exports flows as a configuration file of wide-vsix/linux-flow-exporter says. */
@Command(
        name = "agent",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        description = {
            "Exports flows as a configuration file of the Go linux-flow-exporter says.",
            "Those of all interfaces that flowctl meter attach has attached, or attaches while it"
                    + " runs. They stay attached when it ends, by SIGTERM or SIGINT, and count on.",
            "What the file can't have here is an error that names the line."
        })
final class AgentCommand implements Callable<Integer> {

    /** What the enrichments read, in whatever routes. */
    private static final List<String> ENRICHMENT =
            List.of("flow.enrich", "flow.prefixTable", "flow.asDatabase", "flow.reverseDns");

    private static final String OF_CAMEL = "camel.";

    @Spec private CommandSpec spec;
    @Mixin private ConfigFile file;

    @Option(
            names = {"-i", "--interfaces"},
            paramLabel = "INTERFACES",
            defaultValue = "attached",
            description =
                    "which interfaces are metered, as meter.interfaces has it: 'eth*,ns0:*';"
                            + " default: what is attached")
    private String interfaces;

    @Option(
            names = "--metrics-address",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "where /metrics is served; 0.0.0.0 opens it, default ${DEFAULT-VALUE}")
    private String metricsAddress;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            defaultValue = "9999",
            description = "0: it is not served; default ${DEFAULT-VALUE}")
    private int metricsPort;

    @Option(
            names = {"-P", "--property"},
            paramLabel = "NAME=VALUE",
            description = "any property that the routes have, such as drain.interval=1s")
    private Map<String, String> properties = new LinkedHashMap<>();

    @Option(names = "--print-routes", description = "only write the Camel routes that would be run")
    private boolean printRoutes;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DIR",
            description =
                    "with --print-routes: into this directory, with their properties, so that"
                            + " camel run DIR/* does the same")
    private Path directory;

    @Override
    public Integer call() throws Exception {
        if (directory != null && !printRoutes) {
            throw new ParameterException(
                    spec.commandLine(), "--output is where --print-routes writes to");
        }
        return file.use(
                AgentConfig.Purpose.FLOWS,
                config -> {
                    requireKnown(new AgentRoutes(config, Map.of()).properties().keySet());
                    Map<String, String> overrides = new LinkedHashMap<>();
                    overrides.put("meter.interfaces", interfaces);
                    overrides.put("metrics.address", metricsAddress);
                    overrides.put("metrics.port", String.valueOf(metricsPort));
                    overrides.putAll(properties);
                    AgentRoutes routes = new AgentRoutes(config, overrides);
                    return printRoutes ? print(routes) : Agent.run(routes);
                });
    }

    /** A property that nothing reads is a mistake, which would show by nothing happening. */
    private void requireKnown(Set<String> ofRoutes) {
        Set<String> known = new TreeSet<>(ofRoutes);
        known.addAll(ENRICHMENT);
        for (String name : properties.keySet()) {
            if (!known.contains(name) && !name.startsWith(OF_CAMEL)) {
                throw new ParameterException(
                        spec.commandLine(),
                        "--property: the routes have no %s, only %s and camel.*"
                                .formatted(name, String.join(", ", known)));
            }
        }
    }

    private int print(AgentRoutes routes) throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        if (directory == null) {
            out.print(routes.yaml());
            out.flush();
            return 0;
        }
        Files.createDirectories(directory);
        write("agent.camel.yaml", routes.yaml(), out);
        write("application.properties", routes.propertiesText(), out);
        return 0;
    }

    private void write(String name, String text, PrintWriter out) throws IOException {
        Path path = directory.resolve(name);
        Files.writeString(path, text);
        out.println(path);
    }
}
