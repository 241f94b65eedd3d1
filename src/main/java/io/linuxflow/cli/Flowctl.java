// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
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
        StandardOutput output = new StandardOutput();
        CommandLine line = commandLine(new PrintWriter(output, true, StandardCharsets.UTF_8));
        int status = line.execute(args);
        if (line.getOut().checkError() && status == CommandLine.ExitCode.OK) {
            status = CommandLine.ExitCode.SOFTWARE;
            if (!output.isBrokenPipe()) {
                line.getErr().println("flowctl: standard output: " + output.problem());
            }
        }
        System.exit(status);
    }

    private static CommandLine commandLine(PrintWriter out) {
        CommandLine line = new CommandLine(new Flowctl());
        line.setOut(out);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler(
                (e, command, parsed) -> {
                    command.getErr().println("flowctl: " + message(e));
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

    /** The message of a failed file operation may be the name of the file only. */
    private static String message(Exception e) {
        if (e instanceof FileSystemException file && file.getReason() == null) {
            String reason =
                    file instanceof AccessDeniedException
                            ? "permission denied"
                            : file instanceof NoSuchFileException
                                    ? "there is no such file or directory"
                                    : file instanceof FileAlreadyExistsException
                                            ? "is no directory"
                                            : file.getClass().getSimpleName();
            return file.getFile() + ": " + reason;
        }
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "which command?");
    }

    /** The standard output, and why it can't be written to: a PrintWriter keeps that to itself. */
    private static final class StandardOutput extends FileOutputStream {

        private IOException problem;

        StandardOutput() {
            super(FileDescriptor.out);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            try {
                super.write(bytes, from, count);
            } catch (IOException e) {
                problem = e;
                throw e;
            }
        }

        String problem() {
            return problem == null ? "can't be written to" : problem.getMessage();
        }

        /** Whoever reads it has seen enough, as head does: no reason to complain. */
        boolean isBrokenPipe() {
            return problem().equals("Broken pipe");
        }
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
