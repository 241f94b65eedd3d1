// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.Hook;
import io.linuxflow.bpf.Link;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.Links;
import io.linuxflow.bpf.LoadedProgram;
import io.linuxflow.bpf.MappedMemory;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.StructMember;
import io.linuxflow.bpf.TcAttachment;
import io.linuxflow.bpf.TcProgram;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.metering.FlowMeterObject.InterfaceKey;
import io.linuxflow.metering.MeterStatus.Counters;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The meters that are in the kernel, in one network namespace, whichever process put them there and
 * whether it still runs. They are found by the programs at the hooks of the interfaces, and by what
 * is pinned.
 */
public final class InstalledMeters {

    /**
     * A program of ours at a hook.
     *
     * @param namespace the network namespace, empty for this process's own
     * @param pinned whether it outlives the process that attached it, and can be detached here
     * @param priority pref of the clsact filter, else 0
     * @param handle of the clsact filter, else 0
     * @param loadedNanos when the program was loaded, in CLOCK_BOOTTIME
     * @param slotsUsed slots that the flows not handed out yet take
     * @param slots what an epoch has
     * @param counters what the interface has seen
     */
    public record Attached(
            String namespace,
            String name,
            int ifindex,
            Direction direction,
            Hook hook,
            int programId,
            int priority,
            int handle,
            boolean pinned,
            long loadedNanos,
            int slotsUsed,
            int slots,
            Counters counters) {}

    /**
     * What became of one hook.
     *
     * @param done whether it is as was asked for
     */
    public record Outcome(
            String namespace, String name, Direction direction, boolean done, String text) {}

    private final String namespace;

    private InstalledMeters(String namespace) {
        this.namespace = namespace;
    }

    /**
     * Those of a namespace.
     *
     * @param namespace as {@code ip netns} names it, empty for this process's own
     * @throws BpfException if there is none of that name
     */
    public static InstalledMeters in(String namespace) {
        if (!namespace.equals(InterfaceSelection.OWN_NAMESPACE)) {
            NetworkNamespace.named(namespace).close();
        }
        return new InstalledMeters(namespace);
    }

    /** This process's own namespace, and all that {@code ip netns} can name. */
    public static List<String> namespaces() {
        Map<Long, String> byCookie = new LinkedHashMap<>();
        byCookie.put(NetworkNamespace.currentCookie(), InterfaceSelection.OWN_NAMESPACE);
        for (String name : NetworkNamespace.names()) {
            try {
                byCookie.putIfAbsent(call(name, NetworkNamespace::currentCookie), name);
            } catch (BpfException e) {
                // A file without a namespace, as ip netns leaves behind: there is no meter in it.
            }
        }
        return List.copyOf(byCookie.values());
    }

    /** What is attached, in the order of the interfaces. */
    public List<Attached> attached() {
        return call(
                () -> {
                    List<Attached> attached = new ArrayList<>();
                    try (PinnedState pins = PinnedState.ofThread()) {
                        for (Link link : Links.list()) {
                            for (Direction direction : Direction.values()) {
                                ours(link.index(), direction)
                                        .forEach(
                                                (program, loaded) ->
                                                        add(attached, link, program, loaded, pins));
                            }
                        }
                    }
                    return attached;
                });
    }

    private void add(
            List<Attached> attached,
            Link link,
            TcProgram program,
            LoadedProgram loaded,
            PinnedState pins) {
        InterfaceKey hookpoint = new InterfaceKey(link.index(), program.direction());
        try (SlotLogView view = SlotLogView.of(loaded)) {
            if (view != null) {
                attached.add(
                        new Attached(
                                namespace,
                                link.name(),
                                link.index(),
                                program.direction(),
                                program.hook(),
                                program.programId(),
                                program.priority(),
                                program.handle(),
                                program.hook() == Hook.CLSACT || pins.hasLink(hookpoint),
                                loaded.loadedNanos(),
                                view.used(),
                                view.slots(),
                                view.counters().getOrDefault(hookpoint, Counters.NONE)));
            }
        }
    }

    /** Our programs at a hook. */
    private static Map<TcProgram, LoadedProgram> ours(int ifindex, Direction direction) {
        Map<TcProgram, LoadedProgram> ours = new LinkedHashMap<>();
        for (TcProgram program : TcProgram.list(ifindex, direction)) {
            LoadedProgram loaded = LoadedProgram.ofId(program.programId());
            if (loaded != null && FlowMeterObject.isOurs(loaded)) {
                ours.put(program, loaded);
            }
        }
        return ours;
    }

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
        return call(
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
                for (LoadedProgram program : ours(link.index(), direction).values()) {
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
     * What a flush did at one meter.
     *
     * @param flushed flows that were ended
     * @param problem why none was, though some are meant; else null
     */
    public record FlushOutcome(Flushed flushed, String problem) {}

    /**
     * Ends flows now. Exporters export theirs, or throw them away; those of meters that no exporter
     * has can only be thrown away.
     *
     * @throws IllegalStateException if an exporter does not answer
     */
    public List<FlushOutcome> flush(FlowFilter which, boolean discard) {
        return call(
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
        return call(
                () ->
                        Links.list().stream()
                                .filter(link -> selection.matches(namespace, link.name(), false))
                                .map(Link::index)
                                .collect(Collectors.toSet()));
    }

    /**
     * Attaches, pinned, to the selected interfaces that are there. The maps are those that are
     * pinned already, so that a running exporter gets these flows too, or new ones.
     *
     * @param options which interfaces, direction, hook and place; slots of new maps
     * @param slotsGiven whether it matters that maps which are there have that many slots
     * @param force replace what is attached already
     * @param dry only tell what would be done
     * @throws IllegalArgumentException if the maps that are there have other slots
     */
    public List<Outcome> attach(
            MeterOptions options, boolean slotsGiven, boolean force, boolean dry) {
        return call(
                () -> {
                    List<Outcome> outcomes = new ArrayList<>();
                    Map<InterfaceKey, Link> wanted = new LinkedHashMap<>();
                    selected(options)
                            .forEach(
                                    (hookpoint, link) -> {
                                        String obstacle = obstacle(hookpoint, link, force);
                                        if (obstacle != null || dry) {
                                            boolean fits = link.layer() != LinkLayer.UNSUPPORTED;
                                            outcomes.add(
                                                    outcome(
                                                            hookpoint,
                                                            link,
                                                            fits,
                                                            obstacle != null
                                                                    ? obstacle
                                                                    : "would be attached"));
                                        } else {
                                            wanted.put(hookpoint, link);
                                        }
                                    });
                    if (!wanted.isEmpty()) {
                        try (PinnedState pins = PinnedState.ofThread();
                                FlowMeterObject programs = load(pins, options, slotsGiven)) {
                            Attachments attachments =
                                    new Attachments(
                                            namespace,
                                            InterfaceSelection.parse(options.interfaces()),
                                            options,
                                            programs,
                                            pins);
                            wanted.forEach(
                                    (hookpoint, link) ->
                                            outcomes.add(
                                                    attach(
                                                            attachments,
                                                            programs,
                                                            pins,
                                                            hookpoint,
                                                            link)));
                        }
                    }
                    return outcomes;
                });
    }

    private static String obstacle(InterfaceKey hookpoint, Link link, boolean force) {
        if (link.layer() == LinkLayer.UNSUPPORTED) {
            return "its link layer is neither Ethernet nor plain IP";
        }
        return force || ours(hookpoint.ifindex(), hookpoint.direction()).isEmpty()
                ? null
                : "is attached already";
    }

    private Outcome attach(
            Attachments attachments,
            FlowMeterObject programs,
            PinnedState pins,
            InterfaceKey hookpoint,
            Link link) {
        try {
            remove(pins, hookpoint);
            TcAttachment attachment =
                    attachments.attach(
                            hookpoint, programs.program(hookpoint.direction(), link.layer()));
            attachment.leave();
            return outcome(
                    hookpoint,
                    link,
                    true,
                    "attached (" + attachment.hook().name().toLowerCase(Locale.ROOT) + ")");
        } catch (BpfException e) {
            return outcome(hookpoint, link, false, e.getMessage());
        }
    }

    private static FlowMeterObject load(
            PinnedState pins, MeterOptions options, boolean slotsGiven) {
        String layout = FlowMeterObject.layout();
        for (PinnedState.Maps maps : pins.maps()) {
            if (maps.layout().equals(layout) && maps.exist()) {
                if (slotsGiven && maps.slots() != options.slots()) {
                    throw new IllegalArgumentException(
                            "this namespace is metered with %d slots already, not %d: leave the"
                                            .formatted(maps.slots(), options.slots())
                                    + " number out, or detach all its interfaces first");
                }
                return FlowMeterObject.load(
                        options.withSlots(maps.slots()).withClock(maps.clock()), pins);
            }
        }
        try (PinnedState own = PinnedState.own("")) {
            return FlowMeterObject.load(options, own);
        }
    }

    /**
     * Detaches from the selected interfaces. Flows that are not exported yet stay pinned for the
     * next exporter.
     *
     * @param discard once nothing is attached any more, throw away flows not exported yet
     */
    public List<Outcome> detach(MeterOptions options, boolean discard, boolean dry) {
        return call(
                () -> {
                    List<Outcome> outcomes = new ArrayList<>();
                    try (PinnedState pins = PinnedState.ofThread()) {
                        selected(options)
                                .forEach(
                                        (hookpoint, link) -> {
                                            if (!ours(link.index(), hookpoint.direction())
                                                    .isEmpty()) {
                                                outcomes.add(
                                                        dry
                                                                ? outcome(
                                                                        hookpoint,
                                                                        link,
                                                                        true,
                                                                        "would be detached")
                                                                : detach(pins, hookpoint, link));
                                            }
                                        });
                    }
                    if (!dry) {
                        removeIfUnused(discard);
                    }
                    return outcomes;
                });
    }

    private Outcome detach(PinnedState pins, InterfaceKey hookpoint, Link link) {
        try {
            return remove(pins, hookpoint)
                    ? outcome(hookpoint, link, true, "detached")
                    : outcome(
                            hookpoint,
                            link,
                            false,
                            "a running process holds it: stop that process");
        } catch (BpfException e) {
            return outcome(hookpoint, link, false, e.getMessage());
        }
    }

    /** Whether nothing of ours is left there. */
    private static boolean remove(PinnedState pins, InterfaceKey hookpoint) {
        pins.removeLink(hookpoint);
        ours(hookpoint.ifindex(), hookpoint.direction()).keySet().forEach(TcProgram::remove);
        return ours(hookpoint.ifindex(), hookpoint.direction()).isEmpty();
    }

    /** Flows that are kept, though nothing is attached any more, for an exporter to take. */
    public int flowsLeft() {
        if (!attached().isEmpty()) {
            return 0;
        }
        return call(
                () -> {
                    MergedFlows left = new MergedFlows(FlowFilter.ALL, null);
                    forEachLog(
                            new HashSet<>(),
                            (view, pinned) -> left.add(view.records(), MergedFlows.KERNEL));
                    return left.size();
                });
    }

    private void removeIfUnused(boolean discard) {
        if (attached().isEmpty() && (discard || flowsLeft() == 0)) {
            try (PinnedState pins = PinnedState.own(namespace)) {
                pins.remove();
            } catch (IllegalStateException e) {
                // A running exporter has them, and takes what is left.
            }
        }
    }

    private Map<InterfaceKey, Link> selected(MeterOptions options) {
        InterfaceSelection selection = InterfaceSelection.parse(options.interfaces());
        Map<InterfaceKey, Link> selected = new LinkedHashMap<>();
        Set<String> missing = new HashSet<>(selection.literals(namespace));
        for (Link link : Links.list()) {
            if (selection.matches(namespace, link.name(), link.loopback())) {
                missing.remove(link.name());
                for (Direction direction : options.direction().hooks()) {
                    selected.put(new InterfaceKey(link.index(), direction), link);
                }
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException(
                    "no interface "
                            + String.join(", ", missing)
                            + " in "
                            + (namespace.isEmpty()
                                    ? "this network namespace"
                                    : "the network namespace " + namespace)
                            + "; there are "
                            + String.join(", ", Links.list().stream().map(Link::name).toList()));
        }
        return selected;
    }

    private Outcome outcome(InterfaceKey hookpoint, Link link, boolean done, String text) {
        return new Outcome(namespace, link.name(), hookpoint.direction(), done, text);
    }

    private <T> T call(Supplier<T> action) {
        return call(namespace, action);
    }

    /** On a thread of its own: whoever has entered a namespace does not come back. */
    private static <T> T call(String namespace, Supplier<T> action) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread =
                new Thread(
                        () -> {
                            try {
                                if (!namespace.equals(InterfaceSelection.OWN_NAMESPACE)) {
                                    try (NetworkNamespace target =
                                            NetworkNamespace.named(namespace)) {
                                        target.enter();
                                    }
                                }
                                result.complete(action.get());
                            } catch (RuntimeException | Error e) {
                                result.completeExceptionally(e);
                            }
                        },
                        "in " + namespace);
        thread.start();
        try {
            return result.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }
}
