// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.bpf.Clock;
import io.linuxflow.bpf.ClsactOptions;
import io.linuxflow.bpf.Hook;
import io.linuxflow.metering.Flushed;
import io.linuxflow.metering.GoneNamespaces;
import io.linuxflow.metering.InstalledMeters;
import io.linuxflow.metering.InstalledMeters.Attached;
import io.linuxflow.metering.InstalledMeters.Outcome;
import io.linuxflow.metering.MeterOptions;
import io.linuxflow.metering.MeteringDirection;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Attaches, detaches and shows meters. */
@Command(
        name = "meter",
        description = "Attaches meters to interfaces, detaches them, and shows them.",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        subcommands = {
            MeterCommand.Attach.class,
            MeterCommand.Detach.class,
            MeterCommand.Prune.class,
            MeterCommand.Status.class
        })
final class MeterCommand implements Runnable {

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "attach, detach, prune or status?");
    }

    /** What attach and detach have in common. */
    private abstract static class Change implements Callable<Integer> {

        @Spec private CommandSpec spec;
        @Mixin private Interfaces interfaces;

        @Option(
                names = "--direction",
                paramLabel = "DIRECTION",
                description = "egress, ingress or both; default: ${DEFAULT-VALUE}")
        MeteringDirection direction = defaultDirection();

        @Option(names = "--dry", description = "only say what would be done")
        boolean dry;

        abstract MeteringDirection defaultDirection();

        abstract List<Outcome> change(InstalledMeters meters, MeterOptions options);

        /** Says what there is to say of a namespace once it is done; false if that is nothing. */
        boolean after(InstalledMeters meters, PrintWriter out, PrintWriter err) {
            return false;
        }

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            PrintWriter err = spec.commandLine().getErr();
            boolean failed = false;
            for (var selection : interfaces.byNamespace().entrySet()) {
                InstalledMeters meters = InstalledMeters.in(selection.getKey());
                MeterOptions options =
                        MeterOptions.DEFAULT
                                .withInterfaces(selection.getValue())
                                .withDirection(direction)
                                .withPin(true);
                List<Outcome> outcomes = change(meters, options);
                for (Outcome outcome : outcomes) {
                    (outcome.done() ? out : err).println(line(outcome));
                    failed |= !outcome.done();
                }
                if (!after(meters, out, err) && outcomes.isEmpty()) {
                    err.println("flowctl: " + selection.getValue() + ": nothing is attached there");
                    failed = true;
                }
            }
            return failed ? 1 : 0;
        }

        private static String line(Outcome outcome) {
            return (outcome.done() ? "" : "flowctl: ")
                    + (outcome.namespace().isEmpty() ? "" : outcome.namespace() + ":")
                    + outcome.name()
                    + " "
                    + outcome.direction().name().toLowerCase(Locale.ROOT)
                    + ": "
                    + outcome.text();
        }
    }

    @Command(
            name = "attach",
            mixinStandardHelpOptions = true,
            versionProvider = Flowctl.Version.class,
            description = {
                "Attaches meters.",
                "They count from then on, whatever process comes and goes. An exporter that runs"
                        + " with meter.pin=true, or is started so later, exports what they count."
            })
    static final class Attach extends Change {

        @Option(
                names = "--hook",
                paramLabel = "HOOK",
                defaultValue = "AUTO",
                description =
                        "tcx, clsact, or auto, the default: clsact if --pref, --handle or --chain"
                                + " is given, else tcx if there is any")
        private Hook hook;

        @Option(
                names = "--pref",
                paramLabel = "N",
                defaultValue = "0",
                description = "priority of the CLSACT filter; default: the lowest possible")
        private int pref;

        @Option(
                names = "--handle",
                paramLabel = "N",
                defaultValue = "0",
                description = "handle of the CLSACT filter; default: one that is free")
        private int handle;

        @Option(
                names = "--chain",
                paramLabel = "N",
                defaultValue = "0",
                description =
                        "chain of the CLSACT filter; default: ${DEFAULT-VALUE}. Another one sees"
                                + " only the packets that a filter of chain 0 sends there: tc"
                                + " filter add ... action goto chain N")
        private int chain;

        @Option(
                names = {"-l", "--interface-max-flow-limit", "--slots"},
                paramLabel = "N",
                description =
                        "flows that the kernel keeps, all interfaces of a namespace together;"
                                + " default 131072")
        private Integer slots;

        @Option(
                names = "--latency",
                description = "also measure how long packets take to be forwarded")
        private boolean latency;

        @Option(
                names = {"-f", "--force"},
                description = "replace a meter that is there")
        private boolean force;

        @Override
        MeteringDirection defaultDirection() {
            return MeteringDirection.EGRESS;
        }

        @Override
        List<Outcome> change(InstalledMeters meters, MeterOptions options) {
            ClsactOptions place = new ClsactOptions(pref, handle, chain);
            boolean placed = !place.equals(ClsactOptions.CHOSEN);
            if (placed && hook == Hook.TCX) {
                throw new IllegalArgumentException(
                        "tcx has no --pref, --handle and --chain: leave them or --hook tcx out");
            }
            MeterOptions all =
                    options.withHook(placed ? Hook.CLSACT : hook)
                            .withClsact(place)
                            .withLatency(latency);
            return meters.attach(
                    slots == null ? all : all.withSlots(slots), slots != null, force, dry);
        }
    }

    @Command(
            name = "detach",
            mixinStandardHelpOptions = true,
            versionProvider = Flowctl.Version.class,
            description = {
                "Detaches meters.",
                "Those of exporters with meter.pin=true too. Flows that are not exported yet are"
                        + " kept for the next exporter."
            })
    static final class Detach extends Change {

        @Option(
                names = "--force",
                description =
                        "once nothing is attached in a namespace any more, discard its flows that"
                                + " are not exported yet")
        private boolean force;

        @Option(
                names = {"--pref", "--handle", "--chain"},
                paramLabel = "N",
                description =
                        "not needed: wherever meters are, they are detached. Taken, as scripts for"
                                + " the Go program have them")
        private List<Integer> place;

        @Override
        MeteringDirection defaultDirection() {
            return MeteringDirection.BOTH;
        }

        private int leftBefore;

        @Override
        List<Outcome> change(InstalledMeters meters, MeterOptions options) {
            leftBefore = meters.flowsLeft();
            return meters.detach(options, force, dry);
        }

        @Override
        boolean after(InstalledMeters meters, PrintWriter out, PrintWriter err) {
            int left = meters.flowsLeft();
            if (left > 0) {
                err.println(
                        "flowctl: "
                                + left
                                + (left == 1 ? " flow is" : " flows are")
                                + " kept: an exporter with meter.pin=true exports them,"
                                + " flowctl dump shows them, detach --force discards them");
            } else if (leftBefore > 0) {
                out.println(
                        leftBefore + (leftBefore == 1 ? " flow is" : " flows are") + " discarded");
            }
            return leftBefore > 0;
        }
    }

    @Command(
            name = "prune",
            mixinStandardHelpOptions = true,
            versionProvider = Flowctl.Version.class,
            description = {
                "Removes what is pinned of network namespaces that are gone.",
                "It takes kernel memory, and nobody can export the flows in it any more."
            })
    static final class Prune implements Callable<Integer> {

        @Spec private CommandSpec spec;

        @Option(names = "--dry", description = "only say what would be done")
        private boolean dry;

        @Override
        public Integer call() {
            for (GoneNamespaces.Remains each : GoneNamespaces.remains(!dry)) {
                Flushed lost = each.unexported();
                String what = each.directory() + (dry ? ": would be removed" : ": removed");
                spec.commandLine()
                        .getOut()
                        .println(
                                lost.flows() == 0
                                        ? what
                                        : what
                                                + ", and "
                                                + FlushCommand.text(lost, "")
                                                + " with it");
            }
            return 0;
        }
    }

    @Command(
            name = "status",
            mixinStandardHelpOptions = true,
            versionProvider = Flowctl.Version.class,
            description = {
                "Shows what is attached.",
                "In all network namespaces or those selected, whoever attached it."
            })
    static final class Status implements Callable<Integer> {

        @Spec private CommandSpec spec;
        @Mixin private Interfaces interfaces;
        @Mixin private Output output;

        @Override
        public Integer call() {
            Table table =
                    new Table()
                            .columns("NETNS", "DEVICE", "IFINDEX", "DIRECTION", "HOOK", "PROGRAM")
                            .wideColumns("WORK", "CHAIN", "PREF", "HANDLE", "PINNED")
                            .columns("SINCE", "USED", "SLOTS", "PACKETS", "OVERFLOW")
                            .wideColumns(
                                    "OCTETS", "OVERFLOW_OCTETS", "EXCLUDED", "MALFORMED", "NON_IP")
                            .wideColumns("LATENCY_NS", "LATENCY_PACKETS", "UNMEASURED");
            long bootNanos = Clock.realtimeNanos() - Clock.bootNanos();
            for (String namespace : interfaces.namespaces()) {
                for (Attached each : InstalledMeters.in(namespace).attached()) {
                    if (interfaces.match(namespace, each.name())) {
                        add(table, each, bootNanos);
                    }
                }
            }
            table.print(output.format, spec.commandLine().getOut());
            return 0;
        }

        private static void add(Table table, Attached each, long bootNanos) {
            ClsactOptions place = each.place() == null ? ClsactOptions.CHOSEN : each.place();
            table.row(
                    each.namespace(),
                    each.name(),
                    each.ifindex(),
                    each.direction().name().toLowerCase(Locale.ROOT),
                    each.hook().name().toLowerCase(Locale.ROOT),
                    each.programId(),
                    each.work().name().toLowerCase(Locale.ROOT),
                    place.chain(),
                    place.priority(),
                    place.handle(),
                    each.pinned(),
                    Instant.ofEpochSecond(0, bootNanos + each.loadedNanos())
                            .truncatedTo(ChronoUnit.SECONDS),
                    each.slotsUsed(),
                    each.slots(),
                    each.counters().seen().packets(),
                    each.counters().overflow().packets(),
                    each.counters().seen().octets(),
                    each.counters().overflow().octets(),
                    each.counters().excluded().packets(),
                    each.counters().malformed().packets(),
                    each.counters().nonIp().packets(),
                    each.latency().nanoseconds(),
                    each.latency().packets(),
                    each.latency().unmeasured());
        }
    }
}
