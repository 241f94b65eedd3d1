// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.agent.Agent;
import io.linuxflow.agent.AgentConfig;
import io.linuxflow.agent.AgentRoutes;
import io.linuxflow.agent.FlowFile;
import io.linuxflow.agent.Transmitter;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.metering.InstalledMeters;
import io.linuxflow.metering.UnexportedFlows;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Sends flows once, without an agent. */
@Command(
        name = "ipfix",
        description = "Sends flows once to the outputs of a configuration file.",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        subcommands = {IpfixCommand.File.class, IpfixCommand.Dump.class})
final class IpfixCommand implements Runnable {

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "file or dump?");
    }

    @Command(
            name = "file",
            mixinStandardHelpOptions = true,
            versionProvider = Flowctl.Version.class,
            description = {
                "Sends flows that a file makes up, to try a collector.",
                "First the templates of the configuration, then the flows, to all its collectors."
                        + " Addresses may be numbers (0x0a010001) or as usual (10.1.0.1), times too"
                        + " (2026-11-24T15:00:00Z)."
            })
    static final class File implements Callable<Integer> {

        @Spec private CommandSpec spec;
        @Mixin private ConfigFile config;

        @Option(
                names = {"-f", "--flow", "--file"},
                paramLabel = "FILE",
                defaultValue = "./flow.yaml",
                description = "the flows; default ${DEFAULT-VALUE}")
        private Path flows;

        @Override
        public Integer call() throws Exception {
            return config.use(
                    AgentConfig.Purpose.FLOW_FILE,
                    config -> {
                        if (config.collectors().isEmpty()) {
                            throw new IllegalArgumentException(
                                    config.file() + " has no collector to send to");
                        }
                        Transmitter.send(
                                config,
                                FlowFile.read(flows, config),
                                line -> spec.commandLine().getOut().println(line));
                        return 0;
                    });
        }
    }

    @Command(
            name = "dump",
            mixinStandardHelpOptions = true,
            versionProvider = Flowctl.Version.class,
            description = {
                "Sends the flows that are not exported yet, as flowctl dump shows them.",
                "Once, to all outputs of the configuration. Takes nothing away."
            })
    static final class Dump implements Callable<Integer> {

        @Spec private CommandSpec spec;
        @Mixin private ConfigFile config;

        @Override
        public Integer call() throws Exception {
            return config.use(
                    AgentConfig.Purpose.FLOWS,
                    config -> {
                        Agent.sendOnce(new AgentRoutes(config, Map.of()), batches())
                                .forEach(
                                        (output, flows) ->
                                                spec.commandLine()
                                                        .getOut()
                                                        .println(output + ": " + flows + " flows"));
                        return 0;
                    });
        }

        /** Each namespace is an Observation Domain. */
        private static List<FlowBatch> batches() {
            List<FlowBatch> batches = new ArrayList<>();
            int domain = 0;
            for (String namespace : InstalledMeters.namespaces()) {
                for (var meter : UnexportedFlows.in(namespace).flows(FlowFilter.ALL, true)) {
                    FlowBatch flows = meter.flows();
                    if (flows.size() > 0) {
                        batches.add(
                                new FlowBatch(flows.records(), flows.size(), domain)
                                        .from(namespace));
                    }
                }
                domain++;
            }
            return batches;
        }
    }
}
