// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.BpfProgram;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.GracePeriod;
import io.linuxflow.bpf.Hook;
import io.linuxflow.bpf.Link;
import io.linuxflow.bpf.LinkLayer;
import io.linuxflow.bpf.Links;
import io.linuxflow.bpf.LoadedProgram;
import io.linuxflow.bpf.TcAttachment;
import io.linuxflow.bpf.TcProgram;
import io.linuxflow.metering.FlowMeterObject.InterfaceKey;
import io.linuxflow.metering.MeterStatus.Counters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the programs attached to the interfaces of one network namespace that are selected and
 * there. Whatever changed, {@link #update} compares what is with what should be.
 *
 * <p>Belongs to the thread that is in that namespace.
 */
final class Attachments implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Attachments.class);

    private static final String DETACHED = "somebody has detached it";

    /** attachment is null and problem is set, or the other way round. */
    private record State(String name, TcAttachment attachment, String problem) {
        boolean isAttached() {
            return attachment != null && attachment.isAttached();
        }
    }

    private final String namespace;
    private final InterfaceSelection selection;
    private final MeterOptions options;
    private final FlowMeterObject programs;

    /** Null if attachments are to end with this process. */
    private final PinnedState pins;

    /** A device that is deleted and made again has a new index, so none is ever stale. */
    private final Map<InterfaceKey, State> states = new LinkedHashMap<>();

    /** Where what is attached already only stamps packets. */
    private final Set<InterfaceKey> stamped = new HashSet<>();

    private Set<String> missing = Set.of();
    private Map<Integer, String> names = Map.of();
    private Counters gone = Counters.NONE;

    Attachments(
            String namespace,
            InterfaceSelection selection,
            MeterOptions options,
            FlowMeterObject programs,
            PinnedState pins) {
        this.namespace = namespace;
        this.selection = selection;
        this.options = options;
        this.programs = programs;
        this.pins = pins;
    }

    /**
     * Attaches to what has come, detaches from what should no longer be metered.
     *
     * @return false if something could not be attached, which is worth another attempt
     */
    boolean update() {
        Map<InterfaceKey, Link> wanted = new LinkedHashMap<>();
        Set<String> absent = new HashSet<>(selection.literals(namespace));
        Set<InterfaceKey> untaken = new HashSet<>();
        Map<Integer, String> present = new HashMap<>();
        for (Link link : Links.list()) {
            present.put(link.index(), link.name());
            if (selection.isAttached()) {
                for (Direction direction : Direction.values()) {
                    InterfaceKey hookpoint = new InterfaceKey(link.index(), direction);
                    if (pins.hasLink(hookpoint) || pinnedFilter(hookpoint) != null) {
                        wanted.put(hookpoint, link);
                        State state = states.get(hookpoint);
                        // Whoever attaches may replace it, at any moment.
                        if (state == null || !state.isAttached()) {
                            untaken.add(hookpoint);
                            stamped.remove(hookpoint);
                            if (isStamped(hookpoint)) {
                                stamped.add(hookpoint);
                            }
                        }
                    }
                }
            } else if (selection.matches(namespace, link.name(), link.loopback())) {
                absent.remove(link.name());
                for (Direction direction : options.hooks()) {
                    if (link.layer() != LinkLayer.UNSUPPORTED || options.metersAt(direction)) {
                        wanted.put(new InterfaceKey(link.index(), direction), link);
                    }
                }
            }
        }
        for (InterfaceKey hookpoint : List.copyOf(states.keySet())) {
            if (!wanted.containsKey(hookpoint)) {
                detach(hookpoint, present.containsKey(hookpoint.ifindex()));
            }
        }
        wanted.forEach(
                (hookpoint, link) -> {
                    State state = states.get(hookpoint);
                    if (state == null || untaken.contains(hookpoint) || hasFailed(state, link)) {
                        states.put(hookpoint, attach(hookpoint, link, state));
                    } else if (!state.name.equals(link.name())) {
                        states.put(
                                hookpoint, new State(link.name(), state.attachment, state.problem));
                    }
                });
        for (String name : absent) {
            if (!missing.contains(name)) {
                LOG.warn(
                        "Interface {} is not there; it will be metered as soon as it is",
                        qualified(name));
            }
        }
        missing = absent;
        names = present;
        return wanted.entrySet().stream()
                .noneMatch(each -> hasFailed(states.get(each.getKey()), each.getValue()));
    }

    private static boolean hasFailed(State state, Link link) {
        return state.attachment == null && link.layer() != LinkLayer.UNSUPPORTED;
    }

    /**
     * @param before what is not attached any more, or could not be; null if there was nothing
     */
    private State attach(InterfaceKey hookpoint, Link link, State before) {
        if (before != null && before.attachment != null) {
            before.attachment.close();
        }
        String where = hookpoint.direction().name().toLowerCase(Locale.ROOT);
        if (link.layer() == LinkLayer.UNSUPPORTED) {
            String problem = "its link layer is neither Ethernet nor plain IP";
            LOG.warn("Interface {} is not metered: {}", qualified(link.name()), problem);
            return new State(link.name(), null, problem);
        }
        try {
            BpfProgram program = program(hookpoint, link);
            TcAttachment attachment =
                    selection.isAttached() ? take(hookpoint, program) : attach(hookpoint, program);
            if (attachment == null) {
                return new State(link.name(), null, DETACHED);
            }
            LOG.info(
                    "Interface {} is {} at {} ({}, ifIndex {})",
                    qualified(link.name()),
                    work(hookpoint),
                    where,
                    hookName(attachment),
                    link.index());
            return new State(link.name(), attachment, null);
        } catch (BpfException e) {
            if (before == null || !e.getMessage().equals(before.problem)) {
                LOG.warn(
                        "Interface {} is not {} at {}: {}",
                        qualified(link.name()),
                        work(hookpoint),
                        where,
                        e.getMessage());
            }
            return new State(link.name(), null, e.getMessage());
        }
    }

    /** Whether packets are metered there, or only stamped for their latency. */
    private boolean meters(InterfaceKey hookpoint) {
        return selection.isAttached()
                ? !stamped.contains(hookpoint)
                : options.metersAt(hookpoint.direction());
    }

    private boolean isStamped(InterfaceKey hookpoint) {
        if (!options.latency()) {
            return false;
        }
        return TcProgram.list(hookpoint.ifindex(), hookpoint.direction()).stream()
                .map(program -> LoadedProgram.ofId(program.programId()))
                .anyMatch(loaded -> loaded != null && FlowMeterObject.onlyStamps(loaded));
    }

    private String work(InterfaceKey hookpoint) {
        return meters(hookpoint) ? "metered" : "timed";
    }

    private BpfProgram program(InterfaceKey hookpoint, Link link) {
        return meters(hookpoint)
                ? programs.program(hookpoint.direction(), link.layer())
                : programs.stampingProgram();
    }

    /** Attaches, pinned if that is asked for, or takes over what an earlier process has pinned. */
    TcAttachment attach(InterfaceKey hookpoint, BpfProgram program) {
        TcAttachment attachment = pins == null ? null : adopt(hookpoint, program);
        if (attachment == null) {
            attachment =
                    TcAttachment.attach(
                            program,
                            hookpoint.ifindex(),
                            hookpoint.direction(),
                            options.hook(),
                            options.clsact());
            if (pins != null && attachment.hook() == Hook.TCX) {
                try {
                    attachment.pin(pins.link(hookpoint));
                } catch (BpfException e) {
                    attachment.close();
                    throw e;
                }
            }
        }
        if (pins != null) {
            // After attaching: where only the place changes, no packet is missed.
            removeStrayFilters(hookpoint);
        }
        return attachment;
    }

    /**
     * Takes over what others have attached, which stays theirs: they may detach it, or replace it,
     * at any moment.
     *
     * @return null if they have detached it
     */
    private TcAttachment take(InterfaceKey hookpoint, BpfProgram program) {
        if (pins.hasLink(hookpoint)) {
            TcAttachment link = TcAttachment.adopt(pins.link(hookpoint), program);
            removeStrayFilters(hookpoint);
            return link;
        }
        TcProgram filter = pinnedFilter(hookpoint);
        if (filter == null) {
            return null;
        }
        TcAttachment attachment = replace(filter, program);
        attachment.leave();
        return attachment;
    }

    /** The filter there that writes to pinned maps, null if there is none. */
    TcProgram pinnedFilter(InterfaceKey hookpoint) {
        for (TcProgram program : TcProgram.list(hookpoint.ifindex(), hookpoint.direction())) {
            LoadedProgram loaded = LoadedProgram.ofId(program.programId());
            if (program.hook() == Hook.CLSACT
                    && loaded != null
                    && FlowMeterObject.isOurs(loaded)
                    && loaded.mapIds().contains(mapOf(loaded).id())) {
                return program;
            }
        }
        return null;
    }

    /** The map of this meter that a program like that one writes to. */
    private BpfMap mapOf(LoadedProgram program) {
        return programs.object().map(FlowMeterObject.onlyStamps(program) ? "stamps" : "slots");
    }

    private static TcAttachment replace(TcProgram filter, BpfProgram program) {
        return TcAttachment.attach(
                program, filter.ifindex(), filter.direction(), Hook.CLSACT, filter.place());
    }

    /** Takes over the link of an earlier process; null if there is none that works. */
    private TcAttachment adopt(InterfaceKey hookpoint, BpfProgram program) {
        if (!pins.hasLink(hookpoint)) {
            return null;
        }
        if (options.hook() != Hook.CLSACT) {
            try {
                return TcAttachment.adopt(pins.link(hookpoint), program);
            } catch (BpfException e) {
                LOG.debug("A new link is needed", e);
            }
        }
        pins.removeLink(hookpoint);
        return null;
    }

    /**
     * Removes what earlier processes have left attached where this one does not meter. To be called
     * once the others are taken over.
     */
    void removeStrays() {
        for (InterfaceKey hookpoint : pins.hookpoints()) {
            if (!states.containsKey(hookpoint)) {
                pins.removeLink(hookpoint);
                LOG.info(
                        "ifIndex {} is not among the interfaces to be metered, and no longer is at"
                                + " {}",
                        hookpoint.ifindex(),
                        hookpoint.direction().name().toLowerCase(Locale.ROOT));
            }
        }
        for (Link link : Links.list()) {
            for (Direction direction : Direction.values()) {
                InterfaceKey hookpoint = new InterfaceKey(link.index(), direction);
                if (!states.containsKey(hookpoint)) {
                    removeStrayFilters(hookpoint);
                }
            }
        }
    }

    /** A filter of ours that a process holds, this one included, stays. */
    private static void removeStrayFilters(InterfaceKey hookpoint) {
        for (TcProgram program : TcProgram.list(hookpoint.ifindex(), hookpoint.direction())) {
            LoadedProgram loaded = LoadedProgram.ofId(program.programId());
            if (program.hook() == Hook.CLSACT && loaded != null && FlowMeterObject.isOurs(loaded)) {
                program.remove();
            }
        }
    }

    private void detach(InterfaceKey hookpoint, boolean present) {
        State state = states.remove(hookpoint);
        if (state.attachment != null) {
            state.attachment.close();
            // What others attach they detach, and may have attached anew by now.
            if (pins != null && !(present && selection.isAttached())) {
                pins.removeLink(hookpoint);
            }
            LOG.info(
                    selection.isAttached()
                            ? "Interface {} is detached or gone and no longer {} at {}"
                            : "Interface {} is gone or renamed and no longer {} at {}",
                    qualified(state.name),
                    work(hookpoint),
                    hookpoint.direction().name().toLowerCase(Locale.ROOT));
        }
        GracePeriod.await();
        gone = gone.plus(programs.counters().getOrDefault(hookpoint, Counters.NONE));
        programs.forget(hookpoint);
    }

    /** One entry an interface and direction; where packets are only stamped, if they can't be. */
    List<MeterStatus.Interface> status() {
        Map<InterfaceKey, Counters> counters = programs.counters();
        List<MeterStatus.Interface> interfaces = new ArrayList<>();
        states.forEach(
                (hookpoint, state) -> {
                    boolean attached = state.isAttached();
                    if (attached && !meters(hookpoint)) {
                        return;
                    }
                    interfaces.add(
                            new MeterStatus.Interface(
                                    namespace,
                                    state.name,
                                    hookpoint.ifindex(),
                                    hookpoint.direction().name().toLowerCase(Locale.ROOT),
                                    attached ? hookName(state.attachment) : null,
                                    attached || state.problem != null ? state.problem : DETACHED,
                                    counters.getOrDefault(hookpoint, Counters.NONE)));
                });
        return interfaces;
    }

    private static String hookName(TcAttachment attachment) {
        return attachment.hook().name().toLowerCase(Locale.ROOT);
    }

    /** The name of every interface there is, metered or not, by its index. */
    Map<Integer, String> names() {
        return names;
    }

    /** The interfaces that are named in full and are not there. */
    List<String> missing() {
        return missing.stream().map(this::qualified).sorted().toList();
    }

    /** What was counted elsewhere: by interfaces that are gone or found no place of their own. */
    Counters others() {
        Map<InterfaceKey, Counters> counters = programs.counters();
        counters.keySet().removeIf(each -> states.containsKey(each) && meters(each));
        return counters.values().stream().reduce(gone, Counters::plus);
    }

    private String qualified(String name) {
        return namespace.equals(InterfaceSelection.OWN_NAMESPACE) ? name : namespace + ":" + name;
    }

    /** Detaches from all, what is pinned included; the counters stay to be read. */
    void remove() {
        stop(
                (hookpoint, attachment) -> {
                    attachment.close();
                    if (pins != null) {
                        pins.removeLink(hookpoint);
                    }
                    removeStrayFilters(hookpoint);
                });
    }

    /** Detaches from all that is not pinned; the counters stay to be read. */
    @Override
    public void close() {
        stop(
                (hookpoint, attachment) -> {
                    if (pins != null) {
                        attachment.leave();
                    } else {
                        attachment.close();
                    }
                });
    }

    private void stop(BiConsumer<InterfaceKey, TcAttachment> end) {
        states.replaceAll(
                (hookpoint, state) -> {
                    if (state.attachment != null) {
                        end.accept(hookpoint, state.attachment);
                    }
                    return new State(state.name, null, "the meter is stopped");
                });
    }
}
