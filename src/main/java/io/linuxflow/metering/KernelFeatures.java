// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.bpf.ClsactOptions;
import io.linuxflow.bpf.Direction;
import io.linuxflow.bpf.GracePeriod;
import io.linuxflow.bpf.Hook;
import io.linuxflow.bpf.Link;
import io.linuxflow.bpf.Links;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.RingBuffer;
import io.linuxflow.bpf.TcAttachment;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds out what the kernel can do by doing it, in a network namespace made for that, which nobody
 * else is in.
 */
public final class KernelFeatures {

    /**
     * What the kernel made of an attempt.
     *
     * @param problem null if it works
     */
    public record Feature(String name, String problem) {}

    private static final int SLOTS = 16;

    private final List<Feature> features = new ArrayList<>();

    private KernelFeatures() {}

    /** Those that a meter uses; when the programs can't be loaded, the rest is left out. */
    public static List<Feature> probe() {
        KernelFeatures probe = new KernelFeatures();
        Thread thread = new Thread(probe::run, "features");
        thread.start();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return probe.features;
    }

    private void run() {
        if (attempt("network namespaces", NetworkNamespace::enterNew)) {
            FlowMeterObject[] loaded = new FlowMeterObject[1];
            if (attempt(
                    "BPF programs",
                    () ->
                            loaded[0] =
                                    FlowMeterObject.load(MeterOptions.DEFAULT.withSlots(SLOTS)))) {
                try (FlowMeterObject programs = loaded[0]) {
                    with(programs);
                }
            }
        }
    }

    private void with(FlowMeterObject programs) {
        attempt("mmapable arrays", () -> new SlotLog(programs.object(), SLOTS).close());
        attempt("ring buffer", () -> new RingBuffer(programs.events(), event -> {}).close());
        attempt("grace periods", GracePeriod::await);
        attempt("clock", () -> new KernelClock(programs.object(), FlowClock.JIFFIES));
        attempt("tcx", () -> attach(programs, Hook.TCX));
        attempt("clsact", () -> attach(programs, Hook.CLSACT));
    }

    private static void attach(FlowMeterObject programs, Hook hook) {
        Link loopback = Links.list().get(0);
        TcAttachment.attach(
                        programs.program(Direction.EGRESS, loopback.layer()),
                        loopback.index(),
                        Direction.EGRESS,
                        hook,
                        ClsactOptions.CHOSEN)
                .close();
    }

    private boolean attempt(String name, Runnable use) {
        String problem = null;
        try {
            use.run();
        } catch (RuntimeException e) {
            problem = e.getMessage();
        }
        features.add(new Feature(name, problem));
        return problem == null;
    }
}
