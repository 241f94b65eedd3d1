// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfMap;
import io.linuxflow.bpf.BpfObject;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.NamespaceLock;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.TcAttachment;
import io.linuxflow.metering.FlowMeterObject.InterfaceKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What outlives the process that meters a network namespace: its maps and tcx links, as files of
 * the BPF file system.
 *
 * <pre>
 * /sys/fs/bpf/linux-flow-exporter/netns-COOKIE/links/DIRECTION-IFINDEX
 * /sys/fs/bpf/linux-flow-exporter/netns-COOKIE/SLOTS-CLOCK[-latency]-LAYOUT/MAP
 * </pre>
 *
 * The cookie is the kernel's name for the namespace, never used again. Maps are kept by all that
 * their contents depend on, so a meter with other options or of another version has a directory of
 * its own and cannot mistake them; links are kept beside them, for any meter to take over.
 */
final class PinnedState implements AutoCloseable {

    private static final Path ROOT = Path.of("/sys/fs/bpf/linux-flow-exporter");

    private static final String PREFIX = "netns-";

    /** What the one process that drains it holds. */
    private static final String OWNER = "linux-flow-exporter/pinned";

    private static final Pattern LOG_NAME =
            Pattern.compile("(\\d+)-([a-z]+)(-latency)?-([0-9a-f]{8})");
    private static final Pattern LINK_NAME = Pattern.compile("(ingress|egress)-(\\d+)");

    private final Path directory;
    private final NamespaceLock lock;

    private PinnedState(long cookie, NamespaceLock lock) {
        directory = ROOT.resolve(PREFIX + Long.toUnsignedString(cookie));
        this.lock = lock;
    }

    /** The cookies of the network namespaces that have some. */
    static Set<Long> cookies() {
        return list(ROOT).stream()
                .map(path -> path.getFileName().toString())
                .filter(name -> name.matches(PREFIX + "[0-9]+"))
                .map(name -> Long.parseUnsignedLong(name.substring(PREFIX.length())))
                .collect(Collectors.toSet());
    }

    /** The options with which the maps that are there were made; these, if there are none. */
    MeterOptions optionsOfMaps(MeterOptions otherwise) {
        String layout = FlowMeterObject.layout();
        return maps().stream()
                .filter(maps -> maps.layout().equals(layout) && maps.exist())
                .findFirst()
                .map(maps -> maps.adapt(otherwise))
                .orElse(otherwise);
    }

    /** That of the calling thread's network namespace, to look at; there may be none. */
    static PinnedState ofThread() {
        return new PinnedState(NetworkNamespace.currentCookie(), null);
    }

    /** That of a network namespace that nobody can be in. */
    static PinnedState ofGone(long cookie) {
        return new PinnedState(cookie, null);
    }

    /**
     * That of the calling thread's network namespace, for the one process that may drain it: of two
     * each would get a part of the flows.
     *
     * @param namespace what to call it if another process has it
     */
    static PinnedState own(String namespace) {
        NamespaceLock lock = NamespaceLock.tryAcquire(OWNER);
        if (lock == null) {
            throw new IllegalStateException(
                    (namespace.isEmpty() ? "This network namespace" : "Namespace " + namespace)
                            + " is metered with the option pin by another process already. Stop"
                            + " that one, or leave pin out");
        }
        return new PinnedState(NetworkNamespace.currentCookie(), lock);
    }

    /** The maps of one meter. */
    record Maps(Path directory, int slots, FlowClock clock, boolean latency, String layout) {

        /** Those options, but for what decides what is in the maps. */
        MeterOptions adapt(MeterOptions options) {
            return options.withSlots(slots).withClock(clock).withLatency(latency);
        }

        /** False also if its process was killed while it pinned them; nothing was attached then. */
        boolean exist() {
            return FlowMeterObject.MAPS.stream().allMatch(map -> Files.exists(path(map)));
        }

        /** A name in the BPF file system has no dots. */
        private Path path(String map) {
            return directory.resolve(map.replace(".", ""));
        }

        BpfMap open(String map) {
            return BpfMap.open(path(map));
        }

        void pin(BpfObject object) {
            FlowMeterObject.MAPS.forEach(map -> object.map(map).pin(path(map)));
        }

        void remove() {
            list(directory).forEach(PinnedState::delete);
            delete(directory);
        }
    }

    /** Those that a meter with these options uses. */
    Maps maps(MeterOptions options, String layout) {
        return maps(options.slots(), options.clock(), options.latency(), layout);
    }

    private Maps maps(int slots, FlowClock clock, boolean latency, String layout) {
        String name =
                slots
                        + "-"
                        + clock.name().toLowerCase(Locale.ROOT)
                        + (latency ? "-latency-" : "-")
                        + layout;
        return new Maps(directory.resolve(name), slots, clock, latency, layout);
    }

    /** Those there are, of whatever options and version. */
    List<Maps> maps() {
        return list(directory).stream()
                .map(path -> LOG_NAME.matcher(path.getFileName().toString()))
                .filter(Matcher::matches)
                .map(
                        name ->
                                maps(
                                        Integer.parseInt(name.group(1)),
                                        FlowClock.valueOf(name.group(2).toUpperCase(Locale.ROOT)),
                                        name.group(3) != null,
                                        name.group(4)))
                .toList();
    }

    Path link(InterfaceKey hookpoint) {
        return links().resolve(
                        hookpoint.direction().name().toLowerCase(Locale.ROOT)
                                + "-"
                                + Integer.toUnsignedString(hookpoint.ifindex()));
    }

    /** Where links are pinned, those included whose interfaces are gone. */
    List<InterfaceKey> hookpoints() {
        return list(links()).stream()
                .map(path -> LINK_NAME.matcher(path.getFileName().toString()))
                .filter(Matcher::matches)
                .map(
                        name ->
                                new InterfaceKey(
                                        Integer.parseUnsignedInt(name.group(2)),
                                        Direction.valueOf(name.group(1).toUpperCase(Locale.ROOT))))
                .toList();
    }

    private Path links() {
        return directory.resolve("links");
    }

    boolean hasLink(InterfaceKey hookpoint) {
        return Files.exists(link(hookpoint));
    }

    /** Detaches a pinned link; does nothing if there is none. */
    void removeLink(InterfaceKey hookpoint) {
        if (hasLink(hookpoint)) {
            TcAttachment.remove(link(hookpoint));
        }
    }

    boolean exists() {
        return Files.exists(directory);
    }

    Path directory() {
        return directory;
    }

    /** Detaches all links and forgets all maps, with what is in them. */
    void remove() {
        hookpoints().forEach(this::removeLink);
        delete(links());
        maps().forEach(Maps::remove);
        delete(directory);
    }

    private static List<Path> list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException("can't list " + directory + ": run as root", e);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException("can't remove " + path + ": " + e, e);
        }
    }

    @Override
    public void close() {
        if (lock != null) {
            lock.close();
        }
    }
}
