// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.ClsactOptions;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.Hook;
import io.linuxflow.bpf.Link;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.Links;
import io.linuxflow.bpf.LoadedProgram;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.TcAttachment;
import io.linuxflow.bpf.TcProgram;
import io.linuxflow.metering.FlowMeterObject.InterfaceKey;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Latency;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

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
     * @param place of the clsact filter; null if it is none
     * @param loadedNanos when the program was loaded, in CLOCK_BOOTTIME
     * @param slotsUsed slots that the flows not handed out yet take
     * @param slots what an epoch has
     * @param work what it does
     * @param counters what the interface has seen
     * @param latency how long the packets took that left by it
     */
    public record Attached(
            String namespace,
            String name,
            int ifindex,
            Direction direction,
            Hook hook,
            int programId,
            ClsactOptions place,
            boolean pinned,
            long loadedNanos,
            int slotsUsed,
            int slots,
            Work work,
            Counters counters,
            Latency latency) {}

    /** What a program does. */
    public enum Work {
        /** Meters flows. */
        METERS,
        /** Meters flows, and measures how long packets take; at ingress it stamps them for that. */
        METERS_AND_TIMES,
        /** Only stamps packets that come in, so that what they take can be measured. */
        STAMPS;

        private static Work of(LoadedProgram program) {
            return FlowMeterObject.onlyStamps(program)
                    ? STAMPS
                    : FlowMeterObject.times(program) ? METERS_AND_TIMES : METERS;
        }
    }

    /**
     * What became of one hook.
     *
     * @param done whether it is as was asked for
     */
    public record Outcome(
            String namespace, String name, Direction direction, boolean done, String text) {}

    private static final String HELD = "a running process holds it: stop that process";

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

    /**
     * This process's own namespace, and all that {@code ip netns} can name.
     *
     * @throws BpfException if this process may not look into them
     */
    public static List<String> namespaces() {
        return List.copyOf(namespacesByCookie().values());
    }

    static Map<Long, String> namespacesByCookie() {
        Map<Long, String> byCookie = new LinkedHashMap<>();
        byCookie.put(NetworkNamespace.currentCookie(), InterfaceSelection.OWN_NAMESPACE);
        for (String name : NetworkNamespace.names()) {
            try {
                byCookie.putIfAbsent(call(name, NetworkNamespace::currentCookie), name);
            } catch (BpfException e) {
                if (e.isForbidden()) {
                    throw e;
                }
                // A file without a namespace, as ip netns leaves behind: there is no meter in it.
            }
        }
        return byCookie;
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
            Work work = Work.of(loaded);
            if (view != null || work == Work.STAMPS) {
                attached.add(
                        new Attached(
                                namespace,
                                link.name(),
                                link.index(),
                                program.direction(),
                                program.hook(),
                                program.programId(),
                                program.place(),
                                program.hook() == Hook.CLSACT || pins.hasLink(hookpoint),
                                loaded.loadedNanos(),
                                view == null ? 0 : view.used(),
                                view == null ? 0 : view.slots(),
                                work,
                                view == null
                                        ? Counters.NONE
                                        : view.counters().getOrDefault(hookpoint, Counters.NONE),
                                view == null || program.direction() == Direction.INGRESS
                                        ? Latency.NONE
                                        : view.latency(link.index())));
            }
        }
    }

    /** Our programs at a hook. */
    static Map<TcProgram, LoadedProgram> ours(int ifindex, Direction direction) {
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
     * Attaches, pinned, to the selected interfaces that are there. The maps are those that are
     * pinned already, so that a running exporter gets these flows too, or new ones.
     *
     * @param options which interfaces, direction, hook and place; slots of new maps, and whether
     *     these measure latency
     * @param slotsGiven whether it matters that maps which are there have that many slots
     * @param force replace what is attached already
     * @param dry only tell what would be done
     * @throws IllegalArgumentException if the maps that are there have other slots, or measure no
     *     latency while it is to be measured
     */
    public List<Outcome> attach(
            MeterOptions options, boolean slotsGiven, boolean force, boolean dry) {
        options.requireMeasurable();
        return call(
                () -> {
                    List<Outcome> outcomes = new ArrayList<>();
                    try (PinnedState pins = PinnedState.ofThread()) {
                        requireFit(pins, options, slotsGiven);
                    }
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
                                FlowMeterObject programs = load(pins, options)) {
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
                                                            programs.program(
                                                                    hookpoint.direction(),
                                                                    link.layer()),
                                                            pins,
                                                            hookpoint,
                                                            link)));
                            if (programs.measuresLatency()) {
                                stamped(wanted)
                                        .forEach(
                                                (hookpoint, link) ->
                                                        outcomes.add(
                                                                attach(
                                                                        attachments,
                                                                        programs.stampingProgram(),
                                                                        pins,
                                                                        hookpoint,
                                                                        link)));
                            }
                        }
                    }
                    return outcomes;
                });
    }

    private static String obstacle(InterfaceKey hookpoint, Link link, boolean force) {
        if (link.layer() == LinkLayer.UNSUPPORTED) {
            return "its link layer is neither Ethernet nor plain IP";
        }
        return force || !isMetered(hookpoint) ? null : "is attached already";
    }

    /** Whether there is one of our programs, other than one that only stamps packets. */
    private static boolean isMetered(InterfaceKey hookpoint) {
        return !ours(hookpoint.ifindex(), hookpoint.direction()).values().stream()
                .allMatch(FlowMeterObject::onlyStamps);
    }

    /** Where packets are to be stamped that are measured where these meters are. */
    private static Map<InterfaceKey, Link> stamped(Map<InterfaceKey, Link> metered) {
        Map<InterfaceKey, Link> stamped = new LinkedHashMap<>();
        metered.forEach(
                (hookpoint, link) -> {
                    InterfaceKey ingress = new InterfaceKey(link.index(), Direction.INGRESS);
                    if (hookpoint.direction() == Direction.EGRESS && !isMetered(ingress)) {
                        stamped.put(ingress, link);
                    }
                });
        return stamped;
    }

    private Outcome attach(
            Attachments attachments,
            BpfProgram program,
            PinnedState pins,
            InterfaceKey hookpoint,
            Link link) {
        try {
            if (!remove(pins, hookpoint) && attachments.pinnedFilter(hookpoint) != null) {
                // A second filter that writes to the same maps would count each packet twice.
                return outcome(hookpoint, link, false, HELD);
            }
            TcAttachment attachment = attachments.attach(hookpoint, program);
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

    /** Also where nothing is to be attached: what is there already has these maps, too. */
    private static void requireFit(PinnedState pins, MeterOptions options, boolean slotsGiven) {
        MeterOptions there = pins.optionsOfMaps(options);
        if (slotsGiven && there.slots() != options.slots()) {
            throw new IllegalArgumentException(
                    "this namespace is metered with %d slots already, not %d: leave the"
                                    .formatted(there.slots(), options.slots())
                            + " number out, or detach all its interfaces first");
        }
        if (options.latency() && !there.latency()) {
            throw new IllegalArgumentException(
                    "this namespace is metered without latency already: leave it out, or"
                            + " detach all its interfaces first");
        }
    }

    private static FlowMeterObject load(PinnedState pins, MeterOptions options) {
        String layout = FlowMeterObject.layout();
        for (PinnedState.Maps maps : pins.maps()) {
            if (maps.layout().equals(layout) && maps.exist()) {
                return FlowMeterObject.load(maps.adapt(options), pins);
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
                        Map<InterfaceKey, Link> selected = selected(options);
                        selected.putAll(stamped(selected));
                        selected.forEach(
                                (hookpoint, link) -> {
                                    if (!ours(link.index(), hookpoint.direction()).isEmpty()) {
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
                    : outcome(hookpoint, link, false, HELD);
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
        return attached().isEmpty() ? call(UnexportedFlows::inKernel) : 0;
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
    static <T> T call(String namespace, Supplier<T> action) {
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
