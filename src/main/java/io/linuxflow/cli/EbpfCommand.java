// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.bpf.BpfObject;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the programs in the kernel were compiled from. */
@Command(
        name = "ebpf",
        description = "Shows what runs in the kernel.",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        subcommands = EbpfCommand.CodeDump.class)
final class EbpfCommand implements Runnable {

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "code-dump?");
    }

    @Command(
            name = "code-dump",
            mixinStandardHelpOptions = true,
            versionProvider = Flowctl.Version.class,
            description = "Prints the C source of the programs that this version loads.")
    static final class CodeDump implements Runnable {

        private static final List<String> SOURCES =
                List.of("flow.h", "config.h", "maps.h", "latency.h", "parse.h", "flowmeter.bpf.c");

        @Spec private CommandSpec spec;

        @Override
        public void run() {
            PrintWriter out = spec.commandLine().getOut();
            for (String source : SOURCES) {
                out.println("/* ---- " + source + " ---- */");
                out.print(new String(BpfObject.resource("bpf/" + source), StandardCharsets.UTF_8));
            }
            out.flush();
        }
    }
}
