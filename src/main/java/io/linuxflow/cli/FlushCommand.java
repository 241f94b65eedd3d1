// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.metering.Flushed;
import io.linuxflow.metering.UnexportedFlows;
import io.linuxflow.metering.UnexportedFlows.FlushOutcome;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Ends flows now. */
@Command(
        name = "flush",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        description = {
            "Ends flows now.",
            "The exporter that has them exports them, as forced to end (flowEndReason 4). Those"
                + " that go on become new records. All flows that dump shows with the same options"
                + " are meant, be it one or many; the command says how many they were, and what"
                + " they add up to."
        })
final class FlushCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;

    @Option(
            names = {"-A", "--all"},
            description = "all flows")
    private boolean all;

    @Option(
            names = "--discard",
            description =
                    "don't export them, but throw them away. The exporter counts them; where none"
                            + " runs, they are taken out of the kernel")
    private boolean discard;

    @Mixin private FlowSelection selection;

    @Override
    public Integer call() {
        if (all == selection.isGiven()) {
            throw new ParameterException(
                    spec.commandLine(),
                    all
                            ? "--all means all flows: give it, or say which, not both"
                            : "which flows? Give --all, or of -i, -p, -s, -S, -d and -D what tells"
                                    + " them from others");
        }
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        boolean done = false;
        boolean failed = false;
        for (var each : selection.byNamespace().entrySet()) {
            String in = each.getKey().isEmpty() ? "" : each.getKey() + ": ";
            Flushed flushed = Flushed.NONE;
            for (FlushOutcome outcome :
                    UnexportedFlows.in(each.getKey()).flush(each.getValue(), discard)) {
                flushed = flushed.plus(outcome.flushed());
                if (outcome.problem() != null) {
                    err.println("flowctl: " + in + outcome.problem());
                    failed = true;
                }
            }
            if (flushed.flows() > 0) {
                out.println(in + text(flushed, discard ? " discarded" : " exported"));
                done = true;
            }
        }
        if (!done && !failed) {
            err.println("flowctl: there is no such flow");
        }
        return done && !failed ? 0 : 1;
    }

    /** As {@code 1 flow exported (7 packets, 896 octets)}. */
    static String text(Flushed flushed, String become) {
        return "%s%s (%s, %s)"
                .formatted(
                        number(flushed.flows(), "flow"),
                        become,
                        number(flushed.packets(), "packet"),
                        number(flushed.octets(), "octet"));
    }

    private static String number(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }
}
