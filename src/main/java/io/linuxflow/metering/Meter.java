// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.metering.MeterStatus.Counters;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;

/**
 * A Metering Process: meters the selected interfaces in the kernel and gives every batch of flows
 * to every queue that has subscribed. While it runs, flowctl can look into it and flush it, through
 * a socket (see {@link ControlServer}). Safe for use by several threads.
 *
 * <pre>{@code
 * try (Meter meter = new Meter(MeterOptions.DEFAULT.withInterfaces("eth0"))) {
 *     FlowQueue queue = meter.subscribe("mine", 65_536);
 *     meter.start();
 *     for (FlowBatch batch = queue.poll(timeout); ...)
 * }
 * }</pre>
 */
public final class Meter implements AutoCloseable {

    private enum State {
        NEW,
        RUNNING,
        CLOSED
    }

    private final MeterOptions options;
    private final List<NamespaceMeter> namespaces = new CopyOnWriteArrayList<>();
    private final List<FlowQueue> queues = new CopyOnWriteArrayList<>();
    private final LongAdder flows = new LongAdder();
    private volatile State state = State.NEW;

    /** Null if there is none. */
    private ControlServer control;

    /** Null if the selection names namespaces. */
    private AttachedNamespaces attached;

    /** Nothing happens before {@link #start()}. */
    public Meter(MeterOptions options) {
        this.options = options.requireMeasurable();
    }

    /** The options it was made with. */
    public MeterOptions options() {
        return options;
    }

    /**
     * A queue that gets every batch from now on. Those who subscribe before {@link #start()} miss
     * none.
     *
     * @param name who takes from it
     * @param capacity the most flows that wait in it
     */
    public FlowQueue subscribe(String name, int capacity) {
        FlowQueue[] queue = new FlowQueue[1];
        queue[0] = new FlowQueue(name, capacity, () -> queues.remove(queue[0]));
        synchronized (this) {
            queues.add(queue[0]);
            if (state == State.CLOSED) {
                queue[0].end();
            }
        }
        return queue[0];
    }

    /**
     * Loads the programs, in each namespace, and attaches them to the interfaces that are there.
     *
     * @throws io.linuxflow.bpf.BpfException saying what can't be done and the remedy; then nothing
     *     is attached or loaded
     */
    public synchronized void start() {
        if (state != State.NEW) {
            throw new IllegalStateException("a meter is started once");
        }
        InterfaceSelection selection = InterfaceSelection.parse(options.interfaces());
        try {
            if (selection.isAttached()) {
                attached = new AttachedNamespaces(options, this::start);
                attached.start();
            }
            for (String namespace : selection.namespaces()) {
                start(namespace, options);
            }
            state = State.RUNNING;
            control = ControlServer.open(namespaces);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private NamespaceMeter start(String namespace, MeterOptions itsOptions) {
        NamespaceMeter meter =
                new NamespaceMeter(
                        namespace,
                        namespaces.size(),
                        InterfaceSelection.parse(options.interfaces()),
                        itsOptions,
                        this::publish);
        meter.start();
        namespaces.add(meter);
        return meter;
    }

    /**
     * Ends the epoch and all flows now, everywhere, and returns once they are in the queues; those
     * that go on become new records.
     */
    public void flush() {
        namespaces.stream().filter(meter -> !meter.isRetired()).forEach(NamespaceMeter::flush);
    }

    /**
     * What it is doing now; what it did, once it is closed. While full queues hold it up, also
     * during {@link #close}, it is what it was doing just before.
     */
    public MeterStatus status() {
        List<NamespaceMeter> started = List.copyOf(namespaces);
        List<NamespaceMeter.Snapshot> snapshots =
                started.stream().map(NamespaceMeter::snapshot).toList();
        List<MeterStatus.Interface> interfaces =
                snapshots.stream().flatMap(s -> s.interfaces().stream()).toList();
        Counters totals =
                interfaces.stream()
                        .map(MeterStatus.Interface::counters)
                        .reduce(Counters.NONE, Counters::plus);
        for (NamespaceMeter.Snapshot snapshot : snapshots) {
            totals = totals.plus(snapshot.others());
        }
        return new MeterStatus(
                state == State.RUNNING,
                interfaces,
                snapshots.stream().flatMap(s -> s.missing().stream()).toList(),
                snapshots.stream().flatMap(s -> s.pairs().stream()).toList(),
                totals,
                snapshots.stream().mapToLong(NamespaceMeter.Snapshot::epochs).sum(),
                snapshots.stream().mapToLong(NamespaceMeter.Snapshot::earlyFlips).sum(),
                snapshots.stream().mapToInt(NamespaceMeter.Snapshot::slotsUsed).max().orElse(0),
                options.slots(),
                snapshots.stream().mapToInt(NamespaceMeter.Snapshot::cachedFlows).sum(),
                snapshots.stream().mapToLong(NamespaceMeter.Snapshot::uncachedFlows).sum(),
                snapshots.stream()
                        .map(NamespaceMeter.Snapshot::discarded)
                        .reduce(Flushed.NONE, Flushed::plus),
                flows.sum(),
                max(snapshots, Comparator.comparingLong(NamespaceMeter.Snapshot::lastDrainNanos))
                        .lastDrainNanos(),
                max(snapshots, Comparator.comparingLong(NamespaceMeter.Snapshot::lastFlipNanos))
                        .lastFlipNanos(),
                started.stream()
                        .map(NamespaceMeter::failure)
                        .filter(f -> f != null)
                        .map(String::valueOf)
                        .findFirst()
                        .orElse(null));
    }

    private static NamespaceMeter.Snapshot max(
            List<NamespaceMeter.Snapshot> snapshots, Comparator<NamespaceMeter.Snapshot> by) {
        return snapshots.stream().max(by).orElse(NamespaceMeter.Snapshot.EMPTY);
    }

    private void publish(FlowBatch batch, BooleanSupplier overdue) {
        flows.add(batch.size());
        for (FlowQueue queue : queues) {
            queue.offer(batch, overdue);
        }
    }

    /**
     * Detaches from all interfaces, unless they are pinned, and puts everything that has been
     * metered into the queues, which then end.
     */
    @Override
    public synchronized void close() {
        if (state == State.CLOSED) {
            return;
        }
        state = State.CLOSED;
        if (control != null) {
            control.close();
        }
        if (attached != null) {
            attached.close();
        }
        namespaces.forEach(NamespaceMeter::stop);
        queues.forEach(FlowQueue::end);
    }
}
