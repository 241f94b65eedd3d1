// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The command line. Ends with 0 if all is well, 1 if something could not be done, and 2 if it was
 * called wrongly; the one line on standard error says why.
 */
@Command(
        name = "flowctl",
        description =
                "Looks at the flow meters in the kernel and in exporters, attaches, detaches and"
                        + " flushes them.",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        subcommands = {
            MeterCommand.class,
            DumpCommand.class,
            FlushCommand.class,
            AgentCommand.class,
            IpfixCommand.class,
            DependencyCheckCommand.class,
            EbpfCommand.class,
            Flowctl.VersionCommand.class,
            Flowctl.CompletionCommand.class,
            HelpCommand.class
        },
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {"0:all is well", "1:something could not be done", "2:called wrongly"})
public final class Flowctl implements Runnable {

    @Spec private CommandSpec spec;

    private Flowctl() {}

    /** Runs the command and ends the JVM. */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Flowctl());
        line.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler(
                (e, command, parsed) -> {
                    command.getErr().println("flowctl: " + e.getMessage());
                    return CommandLine.ExitCode.SOFTWARE;
                });
        line.setParameterExceptionHandler(
                (e, arguments) -> {
                    CommandLine command = e.getCommandLine();
                    command.getErr().println("flowctl: " + e.getMessage());
                    command.getErr()
                            .println(
                                    "flowctl: see "
                                            + command.getCommandSpec().qualifiedName()
                                            + " --help");
                    return CommandLine.ExitCode.USAGE;
                });
        return line;
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "which command?");
    }

    /** What the jar was built as. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Flowctl.class.getPackage().getImplementationVersion();
            return new String[] {"flowctl " + (version == null ? "(not from a jar)" : version)};
        }
    }

    @Command(
            name = "version",
            description = "Prints the version.",
            mixinStandardHelpOptions = true,
            versionProvider = Version.class)
    static final class VersionCommand implements Runnable {
        @Spec private CommandSpec spec;

        @Override
        public void run() {
            spec.commandLine().getOut().println(new Version().getVersion()[0]);
        }
    }

    @Command(
            name = "completion",
            mixinStandardHelpOptions = true,
            versionProvider = Version.class,
            description = {
                "Prints what lets a shell complete this command's arguments:",
                "source <(flowctl completion bash)"
            })
    static final class CompletionCommand implements Runnable {

        enum Shell {
            bash,
            zsh
        }

        @Spec private CommandSpec spec;

        @Parameters(description = "${COMPLETION-CANDIDATES}")
        private Shell shell;

        @Override
        public void run() {
            PrintWriter out = spec.commandLine().getOut();
            if (shell == Shell.zsh) {
                out.println("autoload -U +X compinit && compinit");
                out.println("autoload -U +X bashcompinit && bashcompinit");
            }
            out.println(AutoComplete.bash("flowctl", spec.root().commandLine()));
            out.flush();
        }
    }
}
