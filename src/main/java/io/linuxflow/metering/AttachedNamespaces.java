// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.NetworkNamespace;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has every network namespace metered in which something is attached and pinned: those that are
 * there, and those that come. One whose name is gone is let go of, so that it can go, too.
 */
final class AttachedNamespaces implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AttachedNamespaces.class);

    /** Nobody tells when something is attached in a new namespace. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    private record Metered(String namespace, long id, NamespaceMeter meter) {
        boolean isGone() {
            return !namespace.equals(InterfaceSelection.OWN_NAMESPACE) && idOf(namespace) != id;
        }
    }

    private final MeterOptions options;

    /** Starts a meter, in a namespace, with these options. */
    private final BiFunction<String, MeterOptions, NamespaceMeter> starter;

    private final Map<Long, Metered> byCookie = new HashMap<>();
    private final Thread thread = new Thread(this::run, "flow-meter-attached");

    /** Those that have pinned state and no name, and the names there were then. */
    private final Set<Long> nameless = new HashSet<>();

    private List<String> names = List.of();
    private String failure;
    private volatile boolean closed;

    AttachedNamespaces(
            MeterOptions options, BiFunction<String, MeterOptions, NamespaceMeter> starter) {
        this.options = options;
        this.starter = starter;
        thread.setDaemon(true);
    }

    /**
     * Has all metered that are there now, and then looks for others.
     *
     * @throws RuntimeException saying why one of them can't be metered
     */
    void start() {
        update();
        if (byCookie.isEmpty()) {
            LOG.info("Nothing is attached yet: flowctl meter attach does that, at any time");
        }
        thread.start();
    }

    private void run() {
        try {
            while (!closed) {
                Thread.sleep(LOOK.toMillis());
                try {
                    update();
                    failure = null;
                } catch (RuntimeException e) {
                    if (!String.valueOf(e.getMessage()).equals(failure)) {
                        failure = String.valueOf(e.getMessage());
                        LOG.warn("Namespaces will be looked at again: {}", failure);
                    }
                }
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    private synchronized void update() {
        byCookie.values()
                .removeIf(
                        metered -> {
                            boolean gone = metered.isGone();
                            if (gone) {
                                LOG.info("Network namespace {} is gone", metered.namespace);
                                metered.meter.retire();
                            }
                            return gone;
                        });
        Set<Long> unknown = new HashSet<>(PinnedState.cookies());
        unknown.removeAll(byCookie.keySet());
        List<String> namesNow = NetworkNamespace.names();
        if (closed
                || unknown.isEmpty()
                || namesNow.equals(names) && nameless.containsAll(unknown)) {
            return;
        }
        names = namesNow;
        nameless.clear();
        Map<Long, String> namespaces = InstalledMeters.namespacesByCookie();
        RuntimeException problem = null;
        for (Long cookie : unknown) {
            String namespace = namespaces.get(cookie);
            if (namespace == null) {
                nameless.add(cookie);
                continue;
            }
            try {
                meter(cookie, namespace);
            } catch (RuntimeException e) {
                // The others don't have to wait until this one can be metered.
                problem = e;
            }
        }
        if (!nameless.isEmpty()) {
            LOG.debug("Pinned in network namespaces that are gone or have no name: {}", nameless);
        }
        if (problem != null) {
            throw problem;
        }
    }

    private void meter(long cookie, String namespace) {
        long id = namespace.equals(InterfaceSelection.OWN_NAMESPACE) ? 0 : idOf(namespace);
        MeterOptions ofMaps =
                InstalledMeters.call(
                        namespace,
                        () -> {
                            try (PinnedState pins = PinnedState.ofThread()) {
                                return pins.optionsOfMaps(options);
                            }
                        });
        byCookie.put(cookie, new Metered(namespace, id, starter.apply(namespace, ofMaps)));
    }

    /** -1 if there is none of that name. */
    private static long idOf(String namespace) {
        try (NetworkNamespace named = NetworkNamespace.named(namespace)) {
            return named.id();
        } catch (BpfException e) {
            return -1;
        }
    }

    /** Looks no more; the meters go on. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
