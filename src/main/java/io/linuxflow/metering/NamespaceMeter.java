// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.EventFd;
import io.linuxflow.bpf.GracePeriod;
import io.linuxflow.bpf.LinkMonitor;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.Poll;
import io.linuxflow.bpf.RingBuffer;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.metering.FlowMeterObject.InterfacePair;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Latency;
import io.linuxflow.metering.MeterStatus.Traffic;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The meter of one network namespace: one object in the kernel, one set of maps, and one thread
 * that is in the namespace and does all that touches them. It waits for whichever comes first of
 * the end of the epoch, the event that the slots are filling up, a change of the interfaces, and a
 * request of another thread.
 */
final class NamespaceMeter {

    private static final Logger LOG = LoggerFactory.getLogger(NamespaceMeter.class);

    /** An epoch that ends early has lasted this long at least: each end costs a grace period. */
    private static final Duration SHORTEST_EPOCH = Duration.ofMillis(20);

    /** How long to wait for a snapshot, while sinks hold up the meter, before an older one does. */
    private static final Duration SNAPSHOT_PATIENCE = Duration.ofSeconds(1);

    /** How often to look for what others have attached. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** How long a stop or a flush waits for sinks to make room for all that is metered. */
    private static final Duration LAST_PATIENCE = Duration.ofSeconds(10);

    /** Where batches go. */
    interface Sink {
        /**
         * @param overdue whether it can wait for room no longer
         */
        void accept(FlowBatch batch, BooleanSupplier overdue);
    }

    /** One moment of this namespace's meter. */
    record Snapshot(
            List<MeterStatus.Interface> interfaces,
            List<String> missing,
            List<MeterStatus.Pair> pairs,
            Counters others,
            long epochs,
            long earlyFlips,
            int slotsUsed,
            int cachedFlows,
            long uncachedFlows,
            Flushed discarded,
            long lastDrainNanos,
            long lastFlipNanos) {

        static final Snapshot EMPTY =
                new Snapshot(
                        List.of(),
                        List.of(),
                        List.of(),
                        Counters.NONE,
                        0,
                        0,
                        0,
                        0,
                        0,
                        Flushed.NONE,
                        0,
                        0);

        /** Once its namespace is gone: what was counted stays, the interfaces don't. */
        Snapshot ofGoneNamespace() {
            Counters all =
                    interfaces.stream()
                            .map(MeterStatus.Interface::counters)
                            .reduce(others, Counters::plus);
            return new Snapshot(
                    List.of(),
                    List.of(),
                    pairs,
                    all,
                    epochs,
                    earlyFlips,
                    0,
                    0,
                    uncachedFlows,
                    discarded,
                    lastDrainNanos,
                    lastFlipNanos);
        }
    }

    private final String namespace;
    private final int observationDomain;
    private final InterfaceSelection selection;
    private final MeterOptions options;
    private final Sink sink;
    private final PairTotals drained = new PairTotals();
    private final Thread thread;
    private final EventFd wake = new EventFd();
    private final ConcurrentLinkedQueue<BiConsumer<Session, Throwable>> requests =
            new ConcurrentLinkedQueue<>();
    private final CompletableFuture<Void> started = new CompletableFuture<>();
    private volatile boolean stopping;
    private volatile boolean ended;
    private volatile long cookie;
    private volatile int logId;
    private boolean stopped;
    private volatile boolean retired;
    private volatile Throwable failure;
    private volatile Snapshot last = Snapshot.EMPTY;

    /** Whether the kernel has said so in this epoch. Belongs to the thread. */
    private boolean slotsFillUp;

    NamespaceMeter(
            String namespace,
            int observationDomain,
            InterfaceSelection selection,
            MeterOptions options,
            Sink sink) {
        this.namespace = namespace;
        this.observationDomain = observationDomain;
        this.selection = selection;
        this.options = options;
        this.sink = (batch, overdue) -> sink.accept(batch.from(namespace), overdue);
        thread =
                new Thread(
                        this::run, namespace.isEmpty() ? "flow-meter" : "flow-meter-" + namespace);
        thread.setDaemon(true);
    }

    /** Loads and attaches; returns once that is done, or throws why it can't be. */
    void start() {
        thread.start();
        try {
            await(started);
        } catch (RuntimeException e) {
            stop();
            throw e;
        }
    }

    /** Detaches, hands out all that has been metered, and frees the kernel's memory. */
    synchronized void stop() {
        stopping = true;
        if (stopped) {
            return;
        }
        stopped = true;
        wake.signal();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        wake.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether its namespace is gone, and nothing is to be had of it but what it counted. */
    boolean isRetired() {
        return retired;
    }

    /**
     * Hands out what is left of a namespace that has no name any more, and lets it go: nothing
     * stays pinned, as nobody could take it over.
     */
    void retire() {
        retired = true;
        stop();
        last = last.ofGoneNamespace();
    }

    /** Ends the epoch and all flows now; returns once they are handed out. */
    void flush() {
        await(request(session -> session.flush(FlowFilter.ALL, false, after(LAST_PATIENCE))));
    }

    /**
     * Ends the epoch, and the flows that are meant, now; those that go on become new records.
     *
     * @param discard whether they are thrown away, rather than handed out
     */
    Flushed flush(FlowFilter which, boolean discard) {
        return await(request(session -> session.flush(which, discard, session.patience())));
    }

    /** Copies of the flows that are meant and are not handed out yet; they stay where they are. */
    FlowDump dump(FlowFilter which) {
        return await(request(session -> session.dump(which)));
    }

    /** The kernel's number of the slots. */
    int logId() {
        return logId;
    }

    /** The {@link NetworkNamespace#currentCookie} of the namespace. */
    long cookie() {
        return cookie;
    }

    /** A snapshot of now, or of the end; the one before, if the thread is too busy. */
    Snapshot snapshot() {
        try {
            return await(
                    request(Session::snapshot)
                            .completeOnTimeout(
                                    last, SNAPSHOT_PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
        } catch (IllegalStateException e) {
            return last;
        }
    }

    /** Why the thread has ended by itself, null if it has not. */
    Throwable failure() {
        return failure;
    }

    private <T> CompletableFuture<T> request(Function<Session, T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        requests.add(
                (session, none) -> {
                    try {
                        if (session == null) {
                            throw new IllegalStateException("the meter is stopped", none);
                        }
                        result.complete(work.apply(session));
                    } catch (RuntimeException e) {
                        result.completeExceptionally(e);
                    }
                });
        if (ended) {
            refuseRequests();
        } else {
            wake.signal();
        }
        return result;
    }

    private void refuseRequests() {
        for (var request = requests.poll(); request != null; request = requests.poll()) {
            request.accept(null, failure);
        }
    }

    private static <T> T await(CompletableFuture<T> result) {
        try {
            return result.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the meter", e);
        }
    }

    private void run() {
        try {
            enterNamespace();
            cookie = NetworkNamespace.currentCookie();
            if (!options.pin()) {
                warnOfPinnedState();
            }
            try (PinnedState pins = options.pin() ? PinnedState.own(namespace) : null;
                    FlowMeterObject programs = FlowMeterObject.load(options, pins);
                    SlotLog log = new SlotLog(programs.object(), options.slots());
                    RingBuffer events =
                            new RingBuffer(
                                    programs.events(),
                                    event -> slotsFillUp = log.isCurrent(event.getInt(0)));
                    LinkMonitor links = new LinkMonitor();
                    Attachments attachments =
                            new Attachments(namespace, selection, options, programs, pins);
                    Session session = new Session(programs, log, events, links, attachments)) {
                session.snapshot();
                logId = programs.object().map("slots").id();
                started.complete(null);
                try {
                    if (pins != null) {
                        session.takeOver(pins);
                    }
                    while (!stopping) {
                        session.step();
                    }
                    session.finish();
                } finally {
                    session.snapshot();
                }
                if (retired && pins != null) {
                    pins.remove();
                }
            }
        } catch (RuntimeException | Error e) {
            if (!started.completeExceptionally(e)) {
                failure = e;
                LOG.error("The meter has stopped: {}", e.getMessage(), e);
            }
        } finally {
            ended = true;
            refuseRequests();
        }
    }

    private static BooleanSupplier after(Duration duration) {
        long deadline = System.nanoTime() + duration.toNanos();
        return () -> System.nanoTime() - deadline >= 0;
    }

    private static void warnOfPinnedState() {
        try (PinnedState pins = PinnedState.ofThread()) {
            if (pins.exists()) {
                LOG.warn(
                        "An earlier meter's state is pinned at {} and goes on counting: the option"
                                + " pin exports it, flowctl meter detach removes it",
                        pins.directory());
            }
        }
    }

    private void enterNamespace() {
        if (!namespace.equals(InterfaceSelection.OWN_NAMESPACE)) {
            try (NetworkNamespace target = NetworkNamespace.named(namespace)) {
                target.enter();
            }
        }
    }

    /** What lives while the meter runs, on its thread. */
    private final class Session implements AutoCloseable {
        private final FlowMeterObject programs;
        private final SlotLog log;
        private final RingBuffer events;
        private final LinkMonitor links;
        private final Attachments attachments;
        private final KernelClock clock;

        /** Null if what the epochs saw goes out as it is. */
        private final FlowCache cache;

        private final BiConsumer<ExportSessions.Session, Boolean> exclude;
        private long epochBegan = System.nanoTime();
        private long epochs;
        private long earlyFlips;
        private long drainNanos;
        private long flipNanos;
        private Flushed discarded = Flushed.NONE;
        private boolean lookAgain;
        private long looked = System.nanoTime();

        /** Of pairs of interfaces one of which is no longer there. */
        private Latency goneLatency = Latency.NONE;

        Session(
                FlowMeterObject programs,
                SlotLog log,
                RingBuffer events,
                LinkMonitor links,
                Attachments attachments) {
            this.programs = programs;
            this.log = log;
            this.events = events;
            this.links = links;
            this.attachments = attachments;
            exclude = programs::exclude;
            if (programs.adopted()) {
                programs.forgetSessions();
            }
            ExportSessions.listen(exclude);
            lookAgain = !attachments.update();
            clock = new KernelClock(programs.object(), options.clock());
            cache =
                    options.cache().enabled()
                            ? new FlowCache(
                                    options.cache(),
                                    options.batchSize(),
                                    observationDomain,
                                    clock.now().nanosPerUnit(),
                                    drained)
                            : null;
        }

        /** Waits for something to do, and does it. */
        void step() {
            Duration left = options.drainInterval();
            if (slotsFillUp && left.compareTo(SHORTEST_EPOCH) > 0) {
                left = SHORTEST_EPOCH;
            }
            left = left.minusNanos(System.nanoTime() - epochBegan);
            if (!left.isNegative()) {
                boolean looks = selection.isAttached() && left.compareTo(LOOK) > 0;
                Poll.await(looks ? LOOK : left, events.fd(), links.fd(), wake.fd());
            }
            wake.clear();
            events.consume();
            // Nobody tells that something was attached; its flows are drained all the same.
            boolean look = selection.isAttached() && System.nanoTime() - looked >= LOOK.toNanos();
            if (links.drain() || lookAgain || look) {
                updateAttachments();
            }
            for (var request = requests.poll(); request != null; request = requests.poll()) {
                request.accept(this, null);
            }
            long now = System.nanoTime();
            long age = now - epochBegan;
            if (age >= options.drainInterval().toNanos()) {
                endEpoch(Flow.ACTIVE_TIMEOUT, patience());
            } else if (slotsFillUp && age >= SHORTEST_EPOCH.toNanos()) {
                earlyFlips++;
                endEpoch(Flow.LACK_OF_RESOURCES, patience());
            }
        }

        /**
         * A full queue may hold a drain up for half an epoch, while the flows lie safe in the half
         * that has ended; but not while the other half is filling up too, which would cost all
         * sinks packets.
         */
        private BooleanSupplier patience() {
            BooleanSupplier late = after(options.drainInterval().dividedBy(2));
            return () -> log.used() > options.slots() / 2 || late.getAsBoolean();
        }

        /**
         * What can't be done now, for want of memory or because another qdisc is in the way, is
         * tried again, an epoch later at the latest; the meter goes on.
         */
        private void updateAttachments() {
            looked = System.nanoTime();
            try {
                lookAgain = !attachments.update();
            } catch (BpfException e) {
                LOG.warn("Interfaces will be looked at again: {}", e.getMessage());
                lookAgain = true;
            }
        }

        /**
         * Goes on from where an earlier process was killed. What that one metered with other
         * options is handed out now: by now all programs write to the maps of this meter.
         */
        void takeOver(PinnedState pins) {
            attachments.removeStrays();
            programs.forgetStamps();
            BooleanSupplier overdue = after(LAST_PATIENCE);
            if (programs.adopted()) {
                GracePeriod.await();
                int left = log.used(log.previous());
                LOG.info(
                        "What is pinned at {} is taken over, with {} flows",
                        pins.directory(),
                        log.used() + left);
                if (left > 0) {
                    LOG.warn(
                            "{} of them are of an epoch that has ended; if the process before was"
                                    + " killed while it handed them out, some may be exported a"
                                    + " second time",
                            left);
                    drainLeft(log, log.previous(), clock, overdue);
                }
            }
            String layout = FlowMeterObject.layout();
            PinnedState.Maps own = pins.maps(options, layout);
            for (PinnedState.Maps maps : pins.maps()) {
                if (!maps.equals(own) && maps.layout().equals(layout)) {
                    drainRetired(maps, pins, overdue);
                } else if (!maps.equals(own)) {
                    LOG.warn(
                            "{} holds flows of another version, which this one can't read. Let that"
                                    + " version export them, or remove the directory",
                            maps.directory());
                }
            }
        }

        private void drainRetired(
                PinnedState.Maps maps, PinnedState pins, BooleanSupplier overdue) {
            MeterOptions before = maps.adapt(options);
            int flows = 0;
            if (maps.exist()) {
                try (FlowMeterObject retired = FlowMeterObject.load(before, pins);
                        SlotLog rest = new SlotLog(retired.object(), maps.slots())) {
                    KernelClock stamps = new KernelClock(retired.object(), maps.clock());
                    for (int half = 0; half < 2; half++) {
                        int ended = rest.flip();
                        flows += rest.used(ended);
                        drainLeft(rest, ended, stamps, overdue);
                    }
                }
            }
            maps.remove();
            LOG.info(
                    "The earlier meter had {} slots, the clock {} and latency={}; its last {} flows"
                            + " are handed out, and it is removed",
                    maps.slots(),
                    maps.clock(),
                    maps.latency(),
                    flows);
        }

        /**
         * Everything that has been metered goes out; unless pinned, nothing is metered any more.
         */
        void finish() {
            if (retired) {
                attachments.remove();
            } else {
                attachments.close();
            }
            BooleanSupplier overdue = after(LAST_PATIENCE);
            // A program that was running while we detached may have seen either epoch.
            endEpoch(Flow.FORCED_END, overdue);
            flush(FlowFilter.ALL, false, overdue);
        }

        Flushed flush(FlowFilter which, boolean discard, BooleanSupplier overdue) {
            FlushSink out = new FlushSink(which, discard, batch -> sink.accept(batch, overdue));
            endEpoch(Flow.ACTIVE_TIMEOUT, out);
            if (cache != null) {
                cache.flush(which, clock.now(), out);
            }
            if (discard) {
                discarded = discarded.plus(out.flushed());
            }
            return out.flushed();
        }

        FlowDump dump(FlowFilter which) {
            WallClock now = clock.now();
            FlowCopies inCache = new FlowCopies(cache == null ? 0 : cache.size(), which, now);
            FlowCopies[] inKernel = new FlowCopies[1];
            try {
                log.read(
                        (slots, count) -> {
                            inKernel[0] = new FlowCopies(count, which, now);
                            for (int i = 0; i < count; i++) {
                                inKernel[0].add(slots, i * FlowLayout.SIZE);
                            }
                        });
            } catch (RuntimeException e) {
                inCache.close();
                throw e;
            }
            if (cache != null) {
                cache.forEach(inCache::add);
            }
            return new FlowDump(logId, observationDomain, inKernel[0], inCache);
        }

        private void endEpoch(int endReason, BooleanSupplier overdue) {
            endEpoch(endReason, batch -> sink.accept(batch, overdue));
        }

        /**
         * @param endReason flowEndReason (136) of the flows, if there is no cache to tell
         */
        private void endEpoch(int endReason, Consumer<FlowBatch> out) {
            long begin = System.nanoTime();
            slotsFillUp = false;
            epochBegan = begin;
            int ended = log.flip();
            long flipped = System.nanoTime();
            WallClock now = clock.now();
            if (cache == null) {
                drain(log, ended, now, endReason, out);
            } else {
                log.drain(ended, (slots, count) -> cache.merge(slots, count, now, out));
            }
            epochs++;
            flipNanos = flipped - begin;
            drainNanos = System.nanoTime() - flipped;
        }

        /** Hands out what an earlier process left, past the cache: its flows have ended. */
        private void drainLeft(
                SlotLog from, int ended, KernelClock stamps, BooleanSupplier overdue) {
            drain(from, ended, stamps.now(), Flow.FORCED_END, batch -> sink.accept(batch, overdue));
        }

        /** Hands out the flows of an epoch that has ended as they are. */
        private void drain(
                SlotLog from, int ended, WallClock now, int endReason, Consumer<FlowBatch> out) {
            from.drain(
                    ended,
                    now,
                    endReason,
                    options.batchSize(),
                    observationDomain,
                    batch -> {
                        drained.add(batch);
                        out.accept(batch);
                    });
        }

        Snapshot snapshot() {
            last =
                    new Snapshot(
                            attachments.status(),
                            attachments.missing(),
                            pairs(),
                            attachments.others(),
                            epochs,
                            earlyFlips,
                            log.used(),
                            cache == null ? 0 : cache.size(),
                            cache == null ? 0 : cache.uncachedFlows(),
                            discarded,
                            drainNanos,
                            flipNanos);
            return last;
        }

        private List<MeterStatus.Pair> pairs() {
            Map<Integer, String> names = attachments.names();
            Predicate<InterfacePair> present =
                    pair ->
                            (pair.ingressIfindex() == 0 || names.containsKey(pair.ingressIfindex()))
                                    && (pair.egressIfindex() == 0
                                            || names.containsKey(pair.egressIfindex()));
            drained.retain(present);
            Map<InterfacePair, Traffic> totals = drained.totals();
            Map<InterfacePair, Traffic> overflow = new HashMap<>();
            programs.overflow()
                    .forEach(
                            (pair, traffic) ->
                                    overflow.merge(
                                            present.test(pair) ? pair : InterfacePair.OTHERS,
                                            traffic,
                                            Traffic::plus));
            Map<InterfacePair, Latency> latencies = latencies(present);
            Set<InterfacePair> pairs = new HashSet<>(totals.keySet());
            pairs.addAll(overflow.keySet());
            pairs.addAll(latencies.keySet());
            return pairs.stream()
                    .map(
                            pair ->
                                    new MeterStatus.Pair(
                                            namespace,
                                            pair.ingressIfindex(),
                                            names.getOrDefault(pair.ingressIfindex(), ""),
                                            pair.egressIfindex(),
                                            names.getOrDefault(pair.egressIfindex(), ""),
                                            totals.getOrDefault(pair, Traffic.NONE),
                                            overflow.getOrDefault(pair, Traffic.NONE),
                                            options.latency()
                                                    ? latencies.getOrDefault(pair, Latency.NONE)
                                                    : null))
                    .toList();
        }

        private Map<InterfacePair, Latency> latencies(Predicate<InterfacePair> present) {
            Map<InterfacePair, Latency> latencies = new HashMap<>();
            Set<InterfacePair> gone = new HashSet<>();
            programs.latencies()
                    .forEach(
                            (pair, latency) -> {
                                if (present.test(pair)) {
                                    latencies.put(pair, latency);
                                } else if (pair == InterfacePair.OTHERS) {
                                    latencies.merge(pair, latency, Latency::plus);
                                } else {
                                    goneLatency = goneLatency.plus(latency);
                                    gone.add(pair);
                                }
                            });
            if (!gone.isEmpty()) {
                programs.forgetLatencies(gone::contains);
            }
            if (!goneLatency.equals(Latency.NONE)) {
                latencies.merge(InterfacePair.OTHERS, goneLatency, Latency::plus);
            }
            return latencies;
        }

        @Override
        public void close() {
            ExportSessions.unlisten(exclude);
        }
    }
}
