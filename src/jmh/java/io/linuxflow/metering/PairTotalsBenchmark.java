// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to add up the flows of a batch; figures are per flow. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class PairTotalsBenchmark {

    private static final int FLOWS = 4096;

    /** Pairs of interfaces that the flows are of, at random. */
    @Param({"1", "2", "16", "1024"})
    public int pairs;

    private final PairTotals totals = new PairTotals();
    private FlowBatch batch;

    @Setup
    public void setup() {
        Random random = new Random(1);
        byte[] records = new byte[FLOWS * FlowLayout.SIZE];
        for (int at = 0; at < records.length; at += FlowLayout.SIZE) {
            int pair = random.nextInt(pairs);
            FlowLayout.INT.set(records, at + FlowLayout.INGRESS_IFINDEX, pair % 32);
            FlowLayout.INT.set(records, at + FlowLayout.EGRESS_IFINDEX, pair / 32);
            FlowLayout.LONG.set(records, at + FlowLayout.PACKETS, 3L);
            FlowLayout.LONG.set(records, at + FlowLayout.OCTETS, 300L);
        }
        batch = new FlowBatch(records, FLOWS, 0);
    }

    @Benchmark
    @OperationsPerInvocation(FLOWS)
    public void byPair() {
        totals.add(batch);
    }

    /** For comparison: two sums over the batch, of all pairs together. */
    @Benchmark
    @OperationsPerInvocation(FLOWS)
    public long together() {
        return batch.packets() + batch.octets();
    }
}
