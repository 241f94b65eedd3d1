// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.Link;
import io.linuxflow.bpf.Links;
import io.linuxflow.bpf.LoadedProgram;
import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.StructMember;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/**
 * The flows of one network namespace that are not exported yet: those of exporters, which are asked
 * for them, and those of meters that are in the kernel alone. A meter is known by the kernel's
 * number of its slots, so each is found once.
 */
public final class UnexportedFlows {

    /**
     * Flows of one meter.
     *
     * @param exporter the process that it runs in, 0 if it is in the kernel alone
     * @param flows with the column {@link #PLACE}
     */
    public record MeterFlows(long exporter, FlowBatch flows) {}

    /** The column that says where the counts of a flow are: kernel, cache or both. */
    public static final String PLACE = "place";

    /**
     * What a flush did at one meter.
     *
     * @param flushed flows that were ended
     * @param problem why none was, though some are meant; else null
     */
    public record FlushOutcome(Flushed flushed, String problem) {}

    private final String namespace;

    private UnexportedFlows(String namespace) {
        this.namespace = namespace;
    }

    /**
     * Those of a namespace.
     *
     * @param namespace as {@code ip netns} names it, empty for this process's own
     * @throws io.linuxflow.bpf.BpfException if there is none of that name
     */
    public static UnexportedFlows in(String namespace) {
        InstalledMeters.in(namespace);
        return new UnexportedFlows(namespace);
    }

    /**
     * The flows that are not exported yet, of all meters of the namespace: those in the cache of an
     * exporter, and those in the kernel. Nothing is taken away, and a running exporter is not held
     * up.
     *
     * @param which the flows that are meant
     * @param times whether times are nanoseconds since 1970 UTC, which takes longer; else they mean
     *     nothing
     * @throws IllegalStateException if an exporter does not answer
     */
    public List<MeterFlows> flows(FlowFilter which, boolean times) {
        return InstalledMeters.call(
                namespace,
                () -> {
                    List<MeterFlows> flows = new ArrayList<>();
                    Set<Integer> served = new HashSet<>();
                    for (ControlClient.Answer answer : ask(ControlRequest.Command.DUMP, which)) {
                        served.add(answer.log());
                        MergedFlows merged = new MergedFlows(which, null);
                        merged.add(answer.inKernel(), MergedFlows.KERNEL);
                        merged.add(answer.inCache(), MergedFlows.CACHE);
                        flows.add(new MeterFlows(answer.pid(), merged.batch()));
                    }
                    Map<FlowClock, WallClock> clocks = new EnumMap<>(FlowClock.class);
                    forEachLog(
                            served,
                            (view, pinned) -> {
                                WallClock now =
                                        times
                                                ? clocks.computeIfAbsent(
                                                        view.clock(), FlowMeterObject::now)
                                                : null;
                                MergedFlows merged = new MergedFlows(which, now);
                                merged.add(view.records(), MergedFlows.KERNEL);
                                flows.add(new MeterFlows(0, merged.batch()));
                            });
                    return flows;
                });
    }

    private static List<ControlClient.Answer> ask(
            ControlRequest.Command command, FlowFilter which) {
        return ControlClient.ask(
                new ControlRequest(command, NetworkNamespace.currentCookie(), which));
    }

    /**
     * Shows the logs in the kernel.
     *
     * @param known numbers of those to leave out; gets those that were shown
     * @param reader gets a log, and null unless it is pinned
     */
    private static void forEachLog(
            Set<Integer> known, BiConsumer<SlotLogView, PinnedState.Maps> reader) {
        try (PinnedState pins = PinnedState.ofThread()) {
            String layout = FlowMeterObject.layout();
            for (PinnedState.Maps maps : pins.maps()) {
                if (maps.layout().equals(layout) && maps.exist()) {
                    try (SlotLogView view = SlotLogView.of(maps)) {
                        if (known.add(view.id())) {
                            reader.accept(view, maps);
                        }
                    }
                }
            }
        }
        for (Link link : Links.list()) {
            for (Direction direction : Direction.values()) {
                for (LoadedProgram program :
                        InstalledMeters.ours(link.index(), direction).values()) {
                    try (SlotLogView view = SlotLogView.of(program)) {
                        if (view != null && known.add(view.id())) {
                            reader.accept(view, null);
                        }
                    }
                }
            }
        }
    }

    /**
     * Ends flows now. Exporters export theirs, or throw them away; those of meters that no exporter
     * has can only be thrown away.
     *
     * @throws IllegalStateException if an exporter does not answer
     */
    public List<FlushOutcome> flush(FlowFilter which, boolean discard) {
        return InstalledMeters.call(
                namespace,
                () -> {
                    List<FlushOutcome> outcomes = new ArrayList<>();
                    Set<Integer> served = new HashSet<>();
                    for (ControlClient.Answer answer :
                            ask(
                                    discard
                                            ? ControlRequest.Command.DISCARD
                                            : ControlRequest.Command.FLUSH,
                                    which)) {
                        served.add(answer.log());
                        outcomes.add(new FlushOutcome(answer.flushed(), null));
                    }
                    forEachLog(
                            served,
                            (view, pinned) -> {
                                MergedFlows meant = new MergedFlows(which, null);
                                meant.add(view.records(), MergedFlows.KERNEL);
                                if (meant.size() > 0) {
                                    outcomes.add(withoutExporter(meant, pinned, discard, which));
                                }
                            });
                    return outcomes;
                });
    }

    /** Owns the state meanwhile, so that no exporter takes it over. */
    @SuppressWarnings("try")
    private FlushOutcome withoutExporter(
            MergedFlows meant, PinnedState.Maps pinned, boolean discard, FlowFilter which) {
        String flows = meant.size() == 1 ? "1 flow is" : meant.size() + " flows are";
        if (pinned == null) {
            return new FlushOutcome(
                    Flushed.NONE,
                    flows
                            + " of a process that offers no socket in "
                            + ControlRequest.DIRECTORY
                            + ": stop it, and it exports them");
        }
        if (!discard) {
            return new FlushOutcome(
                    Flushed.NONE,
                    flows
                            + " of a meter that no exporter drains: start one with meter.pin=true,"
                            + " or throw them away with --discard");
        }
        try (PinnedState owned = PinnedState.own(namespace)) {
            return new FlushOutcome(discard(pinned, which), null);
        } catch (IllegalStateException e) {
            return new FlushOutcome(
                    Flushed.NONE,
                    flows
                            + " of a process that drains them, but offers no socket in "
                            + ControlRequest.DIRECTORY);
        }
    }

    private static Flushed discard(PinnedState.Maps pinned, FlowFilter which) {
        try (BpfMap slots = pinned.open("slots");
                BpfMap bss = pinned.open(".bss");
                MappedMemory variables = bss.mmap(true)) {
            FlowMeterObject.Globals globals = FlowMeterObject.globals();
            try (SlotLog log =
                    new SlotLog(
                            slots.mmap(true),
                            slice(variables, globals.epoch()),
                            slice(variables, globals.slotsUsed()),
                            pinned.slots())) {
                return log.discard(which);
            }
        }
    }

    private static MappedMemory slice(MappedMemory variables, StructMember global) {
        return variables.slice(global.offset(), global.size());
    }

    /** The indexes of the interfaces of the namespace that a selection names. */
    public Set<Integer> interfaces(InterfaceSelection selection) {
        return InstalledMeters.call(
                namespace,
                () ->
                        Links.list().stream()
                                .filter(link -> selection.matches(namespace, link.name(), false))
                                .map(Link::index)
                                .collect(Collectors.toSet()));
    }

    /** How many there are in the kernel, in the calling thread's namespace. */
    static int inKernel() {
        MergedFlows flows = new MergedFlows(FlowFilter.ALL, null);
        forEachLog(
                new HashSet<>(), (view, pinned) -> flows.add(view.records(), MergedFlows.KERNEL));
        return flows.size();
    }
}
