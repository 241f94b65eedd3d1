// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.agent.AgentConfig;
import io.linuxflow.agent.ConfigException;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that say which configuration file, and what of it. */
final class ConfigFile {

    /** What is done with the file. */
    interface Action {
        int on(AgentConfig config) throws Exception;
    }

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            defaultValue = "./config.yaml",
            description = "the configuration file; default ${DEFAULT-VALUE}")
    private Path path;

    @Option(
            names = "--template",
            paramLabel = "ID",
            description =
                    "which of the file's templates flows are exported with; default: 1004, as with"
                            + " the Go program, or the only one")
    private Integer template;

    /** Says what there is to say of the file, and uses it; a wrong one is a wrong call. */
    int use(AgentConfig.Purpose purpose, Action action) throws Exception {
        PrintWriter err = command.commandLine().getErr();
        try {
            AgentConfig config = AgentConfig.read(path, purpose, template);
            config.notes().forEach(note -> err.println("flowctl: " + note));
            return action.on(config);
        } catch (ConfigException e) {
            e.problems().forEach(problem -> err.println("flowctl: " + problem));
            return CommandLine.ExitCode.USAGE;
        }
    }
}
