// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.LoadedProgram;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.TcAttachment;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What is pinned of network namespaces that are gone. Nobody can take it over, and it stays in the
 * kernel's memory until the next boot, or until it is removed here.
 *
 * <p>A namespace counts as gone if it has no name, no thread is in it, and none of its programs is
 * attached any more: one that is kept by a mount or a socket that can't be seen from here has
 * interfaces, and its programs are at them.
 */
public final class GoneNamespaces {

    /**
     * What is left of one.
     *
     * @param directory where it is pinned
     * @param unexported flows that nobody has exported, of those that this version can read
     */
    public record Remains(Path directory, Flushed unexported) {}

    private GoneNamespaces() {}

    /**
     * What there is.
     *
     * @param remove whether to remove it, with the flows in it
     */
    public static List<Remains> remains(boolean remove) {
        Set<Long> unknown = new HashSet<>(PinnedState.cookies());
        unknown.removeAll(InstalledMeters.namespacesByCookie().keySet());
        for (NetworkNamespace namespace : NetworkNamespace.ofThreads()) {
            try (namespace) {
                unknown.remove(namespace.make(NetworkNamespace::currentCookie));
            }
        }
        List<LoadedProgram> programs = unknown.isEmpty() ? List.of() : LoadedProgram.all();
        List<Remains> all = new ArrayList<>();
        for (Long cookie : unknown) {
            try (PinnedState pins = PinnedState.ofGone(cookie)) {
                if (!isAttached(pins, programs)) {
                    all.add(new Remains(pins.directory(), unexported(pins)));
                    if (remove) {
                        pins.remove();
                    }
                }
            }
        }
        return all;
    }

    /** Programs that nothing but a dead link keeps are not. */
    private static boolean isAttached(PinnedState pins, List<LoadedProgram> programs) {
        Set<Integer> detached = new HashSet<>();
        for (FlowMeterObject.InterfaceKey hookpoint : pins.hookpoints()) {
            int program = TcAttachment.detachedProgram(pins.link(hookpoint));
            if (program == 0) {
                return true;
            }
            detached.add(program);
        }
        Set<Integer> slots = new HashSet<>();
        for (PinnedState.Maps maps : pins.maps()) {
            if (maps.exist()) {
                try (BpfMap map = maps.open("slots")) {
                    slots.add(map.id());
                }
            }
        }
        return programs.stream()
                .filter(program -> !detached.contains(program.id()))
                .anyMatch(program -> program.mapIds().stream().anyMatch(slots::contains));
    }

    private static Flushed unexported(PinnedState pins) {
        MergedFlows flows = new MergedFlows(FlowFilter.ALL, null);
        String layout = FlowMeterObject.layout();
        for (PinnedState.Maps maps : pins.maps()) {
            if (maps.layout().equals(layout) && maps.exist()) {
                try (SlotLogView view = SlotLogView.of(maps)) {
                    flows.add(view.records(), MergedFlows.KERNEL);
                }
            }
        }
        FlowBatch batch = flows.batch();
        return new Flushed(batch.size(), batch.packets(), batch.octets());
    }
}
