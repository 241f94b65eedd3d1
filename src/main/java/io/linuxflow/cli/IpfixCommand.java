// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.agent.AgentConfig;
import io.linuxflow.agent.FlowFile;
import io.linuxflow.agent.Transmitter;
import java.nio.file.Path;
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
        subcommands = {IpfixCommand.File.class})
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
                names = {"-f", "--file"},
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
}
